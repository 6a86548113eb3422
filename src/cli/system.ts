// System: the ports of the command line, filled with what Deno offers. Asks for no permission: an
// environment variable that the sandbox does not show counts as unset.

import { messageOf } from "../base/errors.ts";
import { systemClock } from "../base/ports.ts";
import { openArchive } from "./open_archive.ts";
import {
  OutputClosed,
  type Ports,
  type StopSignal,
  type TextSink,
} from "./ports.ts";

const columnCountDefault = 80;

/** The system as the command line sees it; `readVariable` is the caller's, who alone reads it. */
export function systemPorts(readVariable: Ports["readVariable"]): Ports {
  return {
    stdout: openSink(Deno.stdout),
    stderr: openSink(Deno.stderr),
    stdinIsTerminal: Deno.stdin.isTerminal(),
    stdoutBytes: { write: writeBytes },
    stdin: { read: async (target) => await Deno.stdin.read(target) ?? 0 },
    clock: systemClock,
    system: Deno.build.os === "windows" || Deno.build.os === "darwin"
      ? Deno.build.os
      : "other",
    readAnswer,
    columnCount,
    readVariable,
    readTextFile: Deno.readTextFile,
    openArchive,
    onStopSignal,
    absolutePath,
    mountView: async (request) =>
      await (await import("../mount/mount.ts")).mountView(request),
    startBackground: async (args) =>
      await (await import("./background.ts")).startBackground(args),
    giveUpSubprocesses: () => {
      Deno.permissions.revokeSync({ name: "run" });
    },
    giveUpForeignCalls: () => {
      Deno.permissions.revokeSync({ name: "ffi" });
    },
    giveUpChanges: () => {
      for (const name of ["write", "run", "net", "ffi"] as const) {
        Deno.permissions.revokeSync({ name });
      }
    },
    hasFewNames: (path, countMax) => {
      let count = 0;
      for (const _ of Deno.readDirSync(path)) {
        if (++count > countMax) return false;
      }
      return true;
    },
    makeTemporaryFolder: (parent) =>
      Deno.realPathSync(Deno.makeTempDirSync({
        prefix: "blockframe_",
        ...(parent === undefined ? {} : { dir: parent }),
      })),
    removeFolder: (path) => Deno.removeSync(path, { recursive: true }),
    exit: Deno.exit,
  };
}

function absolutePath(path: string): string {
  if (Deno.build.os !== "windows") {
    return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  }
  // `\\server\share`, `\\.\X:` and `C:\x` are whole; `C:x` and `\x` are left to Windows.
  return /^([A-Za-z]:|[\\/])/.test(path) ? path : `${Deno.cwd()}\\${path}`;
}

/** Somebody who set the output to that gets it byte for byte all the same. */
const wouldBlockPauseMs = 5;

async function writeBytes(bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += await Deno.stdout.write(bytes.subarray(offset));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw closedOutput(error);
      await new Promise((resolve) => setTimeout(resolve, wouldBlockPauseMs));
    }
  }
}

function closedOutput(error: unknown): OutputClosed {
  return error instanceof Deno.errors.BrokenPipe
    ? new OutputClosed("Nobody reads the output")
    : new OutputClosed(
      `Cannot write the output: ${messageOf(error)}`,
      { cause: error },
    );
}

function openSink(stream: typeof Deno.stdout): TextSink {
  const encoder = new TextEncoder();
  return {
    isTerminal: stream.isTerminal(),
    write: (text) => {
      const bytes = encoder.encode(text);
      try {
        for (let offset = 0; offset < bytes.length;) {
          offset += stream.writeSync(bytes.subarray(offset));
        }
      } catch (error) {
        throw closedOutput(error);
      }
    },
  };
}

function columnCount(): number {
  try {
    const { columns } = Deno.consoleSize();
    return columns > 0 ? columns : columnCountDefault;
  } catch {
    return columnCountDefault;
  }
}

// A line longer than any answer is no answer.
const answerBytesMax = 1024;

async function readAnswer(): Promise<string | undefined> {
  const byte = new Uint8Array(1);
  const bytes: number[] = [];
  while (bytes.length < answerBytesMax) {
    if (await Deno.stdin.read(byte) === null) break;
    if (byte[0] === 0x0a) {
      return new TextDecoder().decode(new Uint8Array(bytes));
    }
    bytes.push(byte[0]!);
  }
  return undefined;
}

function onStopSignal(listener: (signal: StopSignal) => void): Disposable {
  const listening: [StopSignal, () => void][] = [];
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const call = () => listener(signal);
    try {
      Deno.addSignalListener(signal, call);
      listening.push([signal, call]);
    } catch {
      // Windows has no SIGTERM: there it ends the process, which is safe at any instant.
    }
  }
  return {
    [Symbol.dispose]: () => {
      for (const [signal, call] of listening) {
        Deno.removeSignalListener(signal, call);
      }
    },
  };
}
