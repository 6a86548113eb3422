// Aarch64: the executable for 64-bit ARM, on this machine. A user-mode emulator runs it as the
// processor of a Raspberry Pi 4 would: its instructions, its C library and its libfuse, this
// machine's kernel. What it does not show: a kernel that maps pages of 16 KiB, and speed.
//
// The emulator imitates a Cortex-A72. Newer ones sign pointers, which takes it five times as long.

import { equal } from "node:assert/strict";
import { type Executable, repository } from "../e2e/home.ts";
import type { Ending, Running, RunOptions } from "../e2e/program.ts";
import { Workplace } from "../e2e/workplace.ts";

/** As `deno task compile` and `--version` name it. */
export const target = "aarch64-unknown-linux-gnu";

/** Where the packages *-arm64-cross put its C library. */
const armLibraries = "/usr/aarch64-linux-gnu";

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
  const libraries = ["-L", armLibraries];
  return ["qemu-aarch64-static", "-cpu", processor, ...libraries, ...options];
}

let home: Executable | undefined;

/** The executable: the one that BLOCKFRAME_ARM_PROGRAM names, or a new one of this checkout. */
export function armHome(): Executable {
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

// The first 20 bytes of files that are for aarch64, as the kernel is told of them: ELF, 64 bits,
// little-endian; executable or shared; machine 183.
const magic = String.raw`\x7fELF\x02\x01\x01` + String.raw`\x00`.repeat(9) +
  String.raw`\x02\x00\xb7\x00`;
const mask = String.raw`\xff`.repeat(7) + String.raw`\x00` +
  String.raw`\xff`.repeat(8) + String.raw`\xfe\xff\xff\xff`;

/**
 * Runs shell commands in a folder, where `$1` is the program and the kernel itself starts the
 * emulator for what is for aarch64: also for what the program starts. So it is in a user namespace
 * of its own, and nothing of it stays. Gives the output.
 */
export function runShell(folder: string, commands: string): string {
  const script = `
    set -e
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    printf '%s' ":arm:M::$2:$3:$(command -v qemu-aarch64-static):F" \\
      > /proc/sys/fs/binfmt_misc/register
    ${commands}`;
  const namespace = ["unshare", "--user", "--map-root-user", "--mount"];
  const shell = ["sh", "-c", script, "sh", armHome().path, magic, mask];
  const { success, stdout, stderr } = new Deno.Command(namespace[0]!, {
    args: [...namespace.slice(1), ...shell],
    cwd: folder,
    env: { QEMU_LD_PREFIX: armLibraries, QEMU_CPU: "cortex-a72" },
    stdin: "null",
  }).outputSync();
  const decoder = new TextDecoder();
  equal(success, true, decoder.decode(stderr));
  return decoder.decode(stdout);
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
