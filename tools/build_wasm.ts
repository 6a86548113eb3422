// Build wasm: compiles wasm/ and writes the module and the record of what it was made of. Run it
// by `deno task wasm` after any change below wasm/. Two machines with the same compiler and linker
// get the same bytes: machine paths are mapped away, names and debug data stripped, one unit of code.
//
// It needs no rustup target: the core library is compiled along, from the compiler's own sources
// (-Z build-std, which a stable compiler allows under RUSTC_BOOTSTRAP=1).

import {
  buildInfoPath,
  computeRecord,
  modulePath,
  recordPath,
  stampModule,
} from "./wasm_sources.ts";

const root = new URL("../", import.meta.url);
const target = "wasm32-unknown-unknown";

interface Toolchain {
  readonly rustc: string;
  readonly librarySource: string;
  readonly linker: string;
}

/** What a command prints, or `undefined` if it does not run or fails. */
async function outputOf(
  command: string,
  ...args: string[]
): Promise<string | undefined> {
  try {
    const child = new Deno.Command(command, { args, stderr: "null" });
    const { success, stdout } = await child.output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

/** Compilers to try: the one named in BLOCKFRAME_RUSTC, the distribution's, rustup's. */
async function listCompilers(): Promise<string[]> {
  const named = Deno.env.get("BLOCKFRAME_RUSTC");
  if (named !== undefined) return [named];
  const rustup = await outputOf("rustup", "which", "rustc");
  return ["/usr/bin/rustc", ...(rustup === undefined ? [] : [rustup])];
}

/** The first compiler that knows the target and has the core library's sources beside it. */
async function findCompiler(): Promise<Omit<Toolchain, "linker"> | undefined> {
  for (const rustc of await listCompilers()) {
    const targets = await outputOf(rustc, "--print", "target-list");
    if (!targets?.split("\n").includes(target)) continue;
    const sysroot = await outputOf(rustc, "--print", "sysroot");
    const librarySource = `${sysroot}/lib/rustlib/src/rust/library`;
    if (await exists(`${librarySource}/core/Cargo.toml`)) {
      return { rustc, librarySource: await Deno.realPath(librarySource) };
    }
  }
  return undefined;
}

/** LLVM's linker for WebAssembly: as every rustup toolchain brings it along, or from the PATH. */
async function findLinker(rustc: string): Promise<string | undefined> {
  const named = Deno.env.get("BLOCKFRAME_WASM_LINKER");
  if (named !== undefined) return named;
  for (const compiler of [rustc, "rustc"]) {
    const sysroot = await outputOf(compiler, "--print", "sysroot");
    const host = await outputOf(compiler, "--print", "host-tuple");
    const linker = `${sysroot}/lib/rustlib/${host}/bin/rust-lld`;
    if (await exists(linker)) return linker;
  }
  for (const linker of ["rust-lld", "wasm-ld"]) {
    if (await outputOf(linker, "-flavor", "wasm", "--version")) return linker;
  }
  return undefined;
}

async function findToolchain(): Promise<Toolchain> {
  const compiler = await findCompiler();
  if (compiler === undefined) {
    throw new Error(
      `Cannot find a Rust compiler for ${target} with the core library's sources: install ` +
        "Debian's rustc-web and rust-web-src, or run `rustup component add rust-src`, or name " +
        "one in BLOCKFRAME_RUSTC",
    );
  }
  const linker = await findLinker(compiler.rustc);
  if (linker === undefined) {
    throw new Error(
      "Cannot find a WebAssembly linker: install any rustup toolchain (it brings rust-lld) or " +
        "the lld package, or name one in BLOCKFRAME_WASM_LINKER",
    );
  }
  return { ...compiler, linker };
}

/** A cargo setting, as `--config` takes it; lists are added to those of wasm/.cargo/config.toml. */
function setting(key: string, value: unknown): string[] {
  return ["--config", `target.${target}.${key}=${JSON.stringify(value)}`];
}

async function compile(toolchain: Toolchain): Promise<URL> {
  // Flags from the environment would replace those of wasm/.cargo/config.toml.
  for (const name of ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"]) {
    Deno.env.delete(name);
  }
  const crate = new URL("wasm/", root);
  const cargoHome = Deno.env.get("CARGO_HOME") ??
    `${Deno.env.get("HOME")}/.cargo`;
  const maps = [
    [crate.pathname, "wasm/"],
    [toolchain.librarySource, "library"],
    [cargoHome, "cargo"],
  ].map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  const command = new Deno.Command("cargo", {
    cwd: crate,
    env: { RUSTC: toolchain.rustc, RUSTC_BOOTSTRAP: "1" },
    args: [
      ...["build", "--release", "--locked", "--lib", "--target", target],
      "-Zbuild-std=core",
      ...setting("linker", toolchain.linker),
      ...setting("rustflags", maps),
    ],
  });
  const { success } = await command.spawn().status;
  if (!success) throw new Error("Cannot compile wasm/: see cargo's messages");
  return new URL(`target/${target}/release/blockframe.wasm`, crate);
}

if (import.meta.main) {
  const toolchain = await findToolchain();
  const version = await outputOf(toolchain.rustc, "--version");
  console.log(`${version}, linked by ${toolchain.linker}`);
  const built = await Deno.readFile(await compile(toolchain));
  await Deno.writeFile(new URL(modulePath, root), built);
  const record = await computeRecord(root);
  await Deno.writeTextFile(new URL(recordPath, root), record);
  const buildInfo = new URL(buildInfoPath, root);
  await Deno.writeTextFile(
    buildInfo,
    stampModule(await Deno.readTextFile(buildInfo), record),
  );
  console.log(`${modulePath}: ${built.length} bytes`);
}
