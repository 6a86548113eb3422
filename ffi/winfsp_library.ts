// WinFsp library: the symbols of its DLL that a mount needs, and the two of Windows that find it and
// copy into the driver's memory. Opens them; knows nothing of what is done with them.

import { openFirst } from "./open_first.ts";
import { decodeWide, encodeWide } from "./winfsp_layout.ts";

// Calls that may ask the file system itself, or wait for its threads, run on a thread of their own:
// ours has to answer meanwhile.
const winfspSymbols = {
  FspVersion: { parameters: ["buffer"], result: "u32" },
  FspFileSystemPreflight: {
    parameters: ["buffer", "buffer"],
    result: "u32",
    nonblocking: true,
  },
  FspFileSystemCreate: {
    parameters: ["buffer", "buffer", "buffer", "buffer"],
    result: "u32",
  },
  FspFileSystemSetOperationGuardF: {
    parameters: ["pointer", "pointer", "pointer"],
    result: "void",
  },
  FspFileSystemSetOperationF: {
    parameters: ["pointer", "u32", "function"],
    result: "void",
  },
  FspFileSystemStartDispatcher: {
    parameters: ["pointer", "u32"],
    result: "u32",
  },
  FspFileSystemSetMountPoint: {
    parameters: ["pointer", "buffer"],
    result: "u32",
    nonblocking: true,
  },
  FspFileSystemMountPointF: { parameters: ["pointer"], result: "pointer" },
  FspFileSystemRemoveMountPoint: {
    parameters: ["pointer"],
    result: "void",
    nonblocking: true,
  },
  FspFileSystemStopDispatcher: {
    parameters: ["pointer"],
    result: "void",
    nonblocking: true,
  },
  FspFileSystemDelete: {
    parameters: ["pointer"],
    result: "void",
    nonblocking: true,
  },
  FspFileSystemSendResponse: {
    parameters: ["pointer", "buffer"],
    result: "void",
  },
} as const;

const memorySymbols = {
  memmove: { parameters: ["pointer", "buffer", "usize"], result: "pointer" },
} as const;

const registrySymbols = {
  RegGetValueW: {
    parameters: [
      "usize",
      "buffer",
      "buffer",
      "u32",
      "pointer",
      "buffer",
      "buffer",
    ],
    result: "i32",
  },
} as const;

/** Names of the DLL's functions that are called. */
export const symbolNames: readonly string[] = Object.keys(winfspSymbols);

/** WinFsp's symbols, opened. */
export type WinfspLibrary = Deno.DynamicLibrary<typeof winfspSymbols>;

/** What a mount needs of the system. Disposing closes both libraries. */
export interface WinfspLibraries extends Disposable {
  readonly winfsp: WinfspLibrary["symbols"];
  /** Copies bytes into memory that the driver named. */
  readonly memmove: Deno.DynamicLibrary<
    typeof memorySymbols
  >["symbols"]["memmove"];
}

/** Where the libraries are. */
export interface WinfspPlace {
  /** Files of WinFsp, tried in order. */
  readonly winfsp: readonly string[];
  /** What has memmove. */
  readonly memory: string;
}

const installAdvice =
  "install WinFsp from https://winfsp.dev, or: winget install WinFsp.WinFsp";

/** Where an installed WinFsp is: the registry knows; else it is looked for where it installs itself. */
export function findWinfsp(): WinfspPlace {
  const architecture = Deno.build.arch === "aarch64" ? "a64" : "x64";
  const file = `bin\\winfsp-${architecture}.dll`;
  const installed = readInstallFolder();
  return {
    winfsp: [
      ...(installed === undefined ? [] : [`${installed}${file}`]),
      `C:\\Program Files (x86)\\WinFsp\\${file}`,
    ],
    memory: "ntdll.dll",
  };
}

/**
 * Opens WinFsp's library.
 * @throws {Failure} `not-found` when it is not installed; `permission-denied` when a sandbox forbids it
 */
export function openWinfspLibraries(
  place: WinfspPlace = findWinfsp(),
): WinfspLibraries {
  const { library: winfsp } = openFirst(
    place.winfsp,
    winfspSymbols,
    sayMissing,
  );
  try {
    const { library: memory } = openFirst(
      [place.memory],
      memorySymbols,
      sayMissing,
    );
    return {
      winfsp: winfsp.symbols,
      memmove: memory.symbols.memmove,
      [Symbol.dispose]: () => {
        winfsp.close();
        memory.close();
      },
    };
  } catch (error) {
    winfsp.close();
    throw error;
  }
}

function sayMissing(files: readonly string[]): string {
  return `Cannot mount: WinFsp is not on this machine, or too old ` +
    `(looked for ${files.join(" and ")}); ${installAdvice}`;
}

/** WinFsp's folder as its installer wrote it down, with a `\` at its end. */
function readInstallFolder(): string | undefined {
  try {
    const registry = Deno.dlopen("advapi32.dll", registrySymbols);
    try {
      const localMachine = 0xffffffff80000002n, isText = 2;
      const value = new Uint8Array(2 * 260);
      const bytes = new Uint32Array([value.length]);
      const result = registry.symbols.RegGetValueW(
        localMachine,
        wideString("Software\\WOW6432Node\\WinFsp"),
        wideString("InstallDir"),
        isText,
        null,
        value,
        new Uint8Array(bytes.buffer),
      );
      return result === 0
        ? decodeWide(value.subarray(0, bytes[0])) || undefined
        : undefined;
    } finally {
      registry.close();
    }
  } catch {
    return undefined; // opening the library itself will say what is wrong
  }
}

/** Text as functions of Windows take it. */
export function wideString(text: string): Uint8Array<ArrayBuffer> {
  return encodeWide(`${text}\0`) as Uint8Array<ArrayBuffer>;
}
