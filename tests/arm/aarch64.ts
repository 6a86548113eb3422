// Aarch64: the executable for 64-bit ARM, on this machine. A user-mode emulator runs it as the
// processor of a Raspberry Pi 4 would: its instructions, its C library and its libfuse, this
// machine's kernel. What it does not show: a kernel that maps pages of 16 KiB, and speed.
//
// The emulator imitates a Cortex-A72. Newer ones sign pointers, which takes it five times as long.

import { equal } from "node:assert/strict";
import { type Home, repository } from "../e2e/home.ts";
import type { Ending, Running, RunOptions } from "../e2e/program.ts";
import { Workplace } from "../e2e/workplace.ts";

/** As `deno task compile` and `--version` name it. */
export const target = "aarch64-unknown-linux-gnu";

/** The words before a program that is for aarch64; none where this machine is one. */
export const emulator: readonly string[] = emulatorOf("cortex-a72");

/**
 * The same for a Raspberry Pi 3's processor, which lacks the newer atomic instructions, with the page size
 * that the kernel of a Pi 5 names and the address space that those of all leave to a program.
 */
export const smallEmulator: readonly string[] = emulatorOf(
  "cortex-a53",
  ...["-p", "16384", "-R", "0x8000000000"],
);

function emulatorOf(processor: string, ...options: string[]): string[] {
  if (Deno.build.arch === "aarch64") return [];
  // Where the packages *-arm64-cross put its C library.
  const libraries = ["-L", "/usr/aarch64-linux-gnu"];
  return ["qemu-aarch64-static", "-cpu", processor, ...libraries, ...options];
}

let home: Home | undefined;

/** The executable: the one that BLOCKFRAME_ARM_PROGRAM names, or a new one of this checkout. */
function armHome(): Home {
  return home ??= {
    kind: "executable",
    path: Deno.env.get("BLOCKFRAME_ARM_PROGRAM") || compile(),
  };
}

/** A workplace whose program is the one for aarch64. */
export class ArmWorkplace extends Workplace {
  override run(
    args: readonly string[],
    options: Partial<RunOptions> = {},
  ): Promise<Ending> {
    return super.run(args, { home: armHome(), prefix: emulator, ...options });
  }

  override start(
    args: readonly string[],
    options: Partial<RunOptions> = {},
  ): Running {
    return super.start(args, { home: armHome(), prefix: emulator, ...options });
  }

  /** Runs this machine's own program here, which must end with `code`. */
  async expectNative(code: number, args: readonly string[]): Promise<Ending> {
    const ending = await super.run(args);
    equal(ending.code, code, ending.stdout + ending.stderr);
    return ending;
  }
}

function compile(): string {
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "compile", "--target", target],
    cwd: repository,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).outputSync();
  const decoder = new TextDecoder();
  equal(success, true, decoder.decode(stdout) + decoder.decode(stderr));
  return `${repository}/dist/blockframe-${target}`;
}
