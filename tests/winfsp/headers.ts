// WinFsp's published headers: they come with a crate, whose registry cargo knows, and are compiled
// with mingw-w64. Nothing of them is in this repository: their licence is not ours.

import { ok } from "node:assert/strict";

export const compiler = "x86_64-w64-mingw32-gcc";

const here = import.meta.dirname!;

// What the headers expect of Microsoft's compiler: its way to align, and names that mingw-w64 has
// taken, or not.
const prelude = `#include <assert.h>
#define WIN32_NO_STATUS
#include <windows.h>
#undef WIN32_NO_STATUS
#define align(n) aligned(n)
#undef _ReadWriteBarrier
#undef SYMLINK_FLAG_RELATIVE
#include <winfsp/winfsp.h>
#include <stddef.h>
`;

/** The folder of the crate, fetched as the lock has it. */
export async function fetchCrate(): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["Cargo.toml", "Cargo.lock"]) {
      await Deno.copyFile(`${here}/headers/${name}`, `${folder}/${name}`);
    }
    await Deno.writeTextFile(`${folder}/lib.rs`, "");
    const args = ["--locked", "--manifest-path", `${folder}/Cargo.toml`];
    await runProgram("cargo", ["fetch", "--quiet", ...args]);
    const metadata = JSON.parse(
      await runProgram("cargo", ["metadata", "--format-version=1", ...args]),
    );
    const crate = metadata.packages.find((each: { name: string }) =>
      each.name === "winfsp-sys"
    );
    return crate.manifest_path.replace(/[/\\]Cargo\.toml$/, "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** An expression of C, and the number that we have for it. */
export type Claim = readonly [expression: string, ours: number];

/** What the compiler says against the claims, line by line; empty where it agrees with all. */
export async function refuteClaims(
  crate: string,
  claims: readonly Claim[],
): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".c" });
  try {
    // The call is left out where the optimizer sees that the numbers agree; bit fields are no constants.
    const lines = claims.map(([expression, ours], index) =>
      `void wrong${index}(void) __attribute__((error("ours is ${ours}")));\n` +
      `void claim${index}(void) { if ((unsigned long long)(${expression}) ` +
      `!= ${ours}ull) wrong${index}(); }`
    );
    await Deno.writeTextFile(file, `${prelude}${lines.join("\n")}\n`);
    const { success, stderr } = await new Deno.Command(compiler, {
      args: ["-O2", "-S", "-w", "-o", "/dev/null", include(crate), file],
    }).output();
    const said = new TextDecoder().decode(stderr);
    ok(success || said !== "", "a refusal says why");
    return success ? "" : said;
  } finally {
    await Deno.remove(file);
  }
}

function include(crate: string): string {
  return `-I${crate}/winfsp/inc`;
}

/** Runs a program that must succeed; gives what it prints. */
export async function runProgram(
  program: string,
  args: readonly string[],
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
  }).output();
  const decoder = new TextDecoder();
  ok(success, `${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
