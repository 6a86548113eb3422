// Build info: what this program is and what it runs on, for `--version`. Reads no file, asks for no
// permission, and loads no codec: it must answer where nothing else works.

import { version } from "./version.ts";

// What makes one executable puts `const BLOCKFRAME_COMMIT = "..."` in front of all of this.
declare const BLOCKFRAME_COMMIT: string | undefined;

/**
 * First digits of the SHA-256 of the committed WebAssembly module. `deno task wasm` writes them
 * here, and tests/house compares them with the module.
 */
const codecModule = "498d2c60525b";

/** What a bug report should say of the program. */
export interface BuildInfo {
  readonly version: string;
  /** The commit that an executable was made of; undefined in a checkout. */
  readonly commit: string | undefined;
  readonly runtime: { readonly deno: string; readonly v8: string };
  /** The WebAssembly module; it has one form, which always uses SIMD. */
  readonly codec: { readonly module: string; readonly simd: true };
  /** As `rustc` and `deno compile` spell it. */
  readonly target: string;
}

/** What this program is. */
export function readBuildInfo(): BuildInfo {
  return {
    version,
    commit: typeof BLOCKFRAME_COMMIT === "string" && BLOCKFRAME_COMMIT !== ""
      ? BLOCKFRAME_COMMIT
      : undefined,
    runtime: { deno: Deno.version.deno, v8: Deno.version.v8 },
    codec: { module: codecModule, simd: true },
    target: Deno.build.target,
  };
}

/** Lines of `--version`; scripts may rely on the first one. */
export function formatBuildInfo(info: BuildInfo): string {
  return [
    `blockframe ${info.version}`,
    `commit   ${info.commit ?? "none (from source)"}`,
    `runtime  Deno ${info.runtime.deno}, V8 ${info.runtime.v8}`,
    `codec    WebAssembly module ${info.codec.module}, SIMD`,
    `target   ${info.target}`,
    "",
  ].join("\n");
}

/** The JSON document of `--version --json`. */
export function describeBuildInfo(info: BuildInfo): Record<string, unknown> {
  return {
    type: "version",
    schema: 1,
    ...info,
    commit: info.commit ?? null,
  };
}
