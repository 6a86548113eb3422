import process from "node:process";
import {
  doesNotMatch,
  equal as assertEquals,
  match,
  throws,
} from "node:assert/strict";
import {
  bundleProgram,
  plainPaths,
  readCommit,
  scriptOf,
} from "../../tools/compile/bundle.ts";
import { runDeno } from "../../tools/compile/run_deno.ts";
import { root } from "./programs.ts";

// What is bundled, and what says how.
const parts = ["main.ts", "deno.json", "deno.lock", "src", "ffi", "tools"];

Deno.test("bundleProgram() gives the same text wherever the checkout and Deno's cache lie", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const copy = new URL(`file://${folder}/some/where/else/`);
    await Deno.mkdir(copy, { recursive: true });
    for (const part of parts) {
      const { success } = await new Deno.Command("cp", {
        args: ["-r", new URL(part, root).pathname, copy.pathname],
      }).output();
      assertEquals(success, true);
    }
    const script = `
      const { bundleProgram } = await import( "./tools/compile/bundle.ts");
      const root = new URL("./", import.meta.url);
      console.log((await bundleProgram(root, "0123")).text);`;
    await Deno.writeTextFile(new URL("bundle.ts", copy), script);
    const { denoDir } = JSON.parse(await runDeno(root, "info", "--json"));
    await copyPackages(`${denoDir}/npm`, `${folder}/cache/npm`);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", "bundle.ts"],
      cwd: copy,
      env: { DENO_DIR: `${folder}/cache` },
    }).output();
    const theirs = new TextDecoder().decode(stdout);
    const ours = (await bundleProgram(root, "0123")).text;
    assertEquals(
      theirs === `${ours}\n`,
      true,
      new TextDecoder().decode(stderr),
    );
    assertEquals(ours.length > 1_000_000, true);
    match(ours, /^const BLOCKFRAME_COMMIT = "0123";$/m);
    // Nothing of this machine, and no package that is not imported.
    assertEquals(ours.includes(new URL(".", root).pathname), false);
    assertEquals(ours.includes(denoDir), false);
    doesNotMatch(ours, /^\/\/ npm\/(?:fast-check|hash-wasm)\//m);
    match(ours, /^\/\/ npm\/@optique\/core\//m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** What a bundle is made of and with; the executables of Deno that may lie beside it are large. */
async function copyPackages(from: string, to: string): Promise<void> {
  const script = `mkdir -p "$2" && cd "$1" &&
    tar c --exclude='*/@deno' --exclude='*/@vltpkg' . | tar x -C "$2"`;
  const { success } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", from, to],
  }).output();
  assertEquals(success, true);
}

Deno.test("scriptOf() says what only modules may say in another way, or refuses", () => {
  const script = scriptOf(
    `import util from "node:util";\nif (import.meta.main) globalThis.found = util.inspect({ a: 1 });\n`,
    "",
    "x.js",
  );
  (0, eval)(script);
  assertEquals((globalThis as { found?: string }).found, "{ a: 1 }");
  (0, eval)(
    scriptOf("globalThis.found = [process.platform, process.pid];", "", "x.js"),
  );
  assertEquals(
    `${(globalThis as { found?: unknown }).found}`,
    `${process.platform},${process.pid}`,
  );
  throws(() => scriptOf(`import { a } from "./b.js";`, "", "x.js"), /b\.js/);
  throws(() => scriptOf(`import "./a.js";`, "", "x.js"), /a\.js/);
  throws(() => scriptOf("export { a };", "", "x.js"), /export/);
});

Deno.test("plainPaths() names packages by nothing but their name and version", () => {
  const text =
    `// ../../home/me/.cache/deno/npm/registry.npmjs.org/@a/b/1.0.0/c.js
"../cache/npm/other_8080/d/2.0.0/e.js"`;
  assertEquals(
    plainPaths(plainPaths(text, "home/me/.cache/deno/npm"), "cache/npm"),
    `// npm/@a/b/1.0.0/c.js\n"npm/d/2.0.0/e.js"`,
  );
});

Deno.test("readCommit() names the commit of these sources and no other, and what differs from it", async () => {
  const folder = await Deno.makeTempDir();
  const git = async (...args: string[]) => {
    const { success, stdout, stderr } = await new Deno.Command("git", {
      args: ["-c", "user.name=n", "-c", "user.email=e", ...args],
      cwd: folder,
      clearEnv: true,
      env: { PATH: process.env["PATH"]! },
    }).output();
    assertEquals(success, true, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  };
  try {
    await git("init", "--quiet");
    await git("commit", "--quiet", "--allow-empty", "-m", "first");
    const head = await git("rev-parse", "HEAD");
    const url = new URL(`file://${folder}/`);
    assertEquals(await readCommit(url), head);
    // Unpacked below somebody's repository, which says nothing about it.
    await Deno.mkdir(`${folder}/unpacked`);
    assertEquals(await readCommit(new URL("unpacked/", url)), "");
    await Deno.writeTextFile(`${folder}/unpacked/new.ts`, "");
    await git("config", "status.showUntrackedFiles", "no");
    assertEquals(await readCommit(url), `${head}-dirty`);
    await Deno.remove(`${folder}/unpacked`, { recursive: true });
    assertEquals(await readCommit(url), head);
    // As a container sees what its user owns.
    const { code } = await new Deno.Command("chown", {
      args: ["-R", "65534", folder],
    }).output();
    if (code === 0) assertEquals(await readCommit(url), head);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
