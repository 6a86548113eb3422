// The stand-in for WinFsp's library, built with WinFsp's own header, and Windows played through it: opens,
// listings and reads that wait on threads of their own, as programs on Windows do.

import { equal } from "node:assert/strict";
import {
  decodeWide,
  requestKinds,
  responseMembers,
  statuses,
} from "../../ffi/winfsp_layout.ts";
import { wideString, type WinfspPlace } from "../../ffi/winfsp_library.ts";
import { fetchCrate, runProgram } from "./headers.ts";

const here = import.meta.dirname!;

const symbols = {
  standinOpen: {
    parameters: ["buffer", "u32", "u32", "buffer"],
    result: "u32",
    nonblocking: true,
  },
  standinAsk: {
    parameters: ["u32", "u64", "buffer"],
    result: "u32",
    nonblocking: true,
  },
  standinRead: {
    parameters: ["u64", "u64", "u32", "buffer", "buffer"],
    result: "u32",
    nonblocking: true,
  },
  standinList: {
    parameters: ["u64", "buffer", "u32", "buffer", "buffer"],
    result: "u32",
    nonblocking: true,
  },
  standinVanish: { parameters: [], result: "void" },
  standinCount: { parameters: ["buffer"], result: "void" },
} as const;

/** What the stand-in saw since it was asked last; the last two are as they are now. */
export interface Counters {
  readonly callbacks: number;
  /** Callbacks that answered later. */
  readonly pendings: number;
  /** Answers that nobody waited for. */
  readonly strays: number;
  /** Answers that no driver would take. */
  readonly misshapen: number;
  /** Callbacks at one time. */
  readonly inFlightMax: number;
  readonly volumes: number;
  readonly dispatchers: number;
}

/** What an open tells. */
export interface Opened {
  readonly status: string;
  readonly node: bigint;
  readonly file: bigint;
  readonly attributes: number;
  readonly bytes: number;
}

/** The name of a status. */
export function statusName(status: number): string {
  return Object.entries(statuses).find(([, one]) => one === status)?.[0] ??
    `0x${status.toString(16)}`;
}

/** Windows, in front of a mount that is served in this process. */
export class Standin implements Disposable {
  readonly place: WinfspPlace;
  readonly #library: Deno.DynamicLibrary<typeof symbols>;

  private constructor(file: string) {
    this.place = { winfsp: [file], memory: "libc.so.6" };
    this.#library = Deno.dlopen(file, symbols);
  }

  /** Builds the library into `folder`. */
  static async build(folder: string): Promise<Standin> {
    const crate = await fetchCrate();
    const file = `${folder}/standin.so`;
    await runProgram("gcc", [
      ...["-shared", "-fPIC", "-O1", "-w", "-fvisibility=hidden"],
      `-I${here}/standin`,
      `-I${crate}/winfsp/inc`,
      ...["-o", file, `${here}/standin/standin.c`, "-lpthread"],
    ]);
    return new Standin(file);
  }

  /** Opens a path for reading. */
  async open(path: string, options = 0): Promise<Opened> {
    const opens = 1 << 24, reads = 0x120089;
    const out = new Uint8Array(16 * 1024);
    const status = await this.#library.symbols.standinOpen(
      wideString(path),
      opens | options,
      reads,
      out,
    );
    const view = new DataView(out.buffer);
    const at = responseMembers, info = at["Create.Opened.FileInfo"];
    return {
      status: statusName(status),
      node: view.getBigUint64(at["Create.Opened.UserContext"], true),
      file: view.getBigUint64(at["Create.Opened.UserContext2"], true),
      attributes: view.getUint32(info, true),
      bytes: Number(view.getBigUint64(info + 16, true)),
    };
  }

  /** Asks something about an open file; gives the status' name. */
  async ask(kind: keyof typeof requestKinds, file: bigint): Promise<string> {
    const out = new Uint8Array(16 * 1024);
    const { standinAsk } = this.#library.symbols;
    return statusName(await standinAsk(requestKinds[kind], file, out));
  }

  /** Reads; gives the bytes, or the status' name. */
  async read(
    file: bigint,
    offset: number,
    length: number,
  ): Promise<Uint8Array | string> {
    const target = new Uint8Array(Math.max(length, 1));
    const count = new Uint32Array(1);
    const status = await this.#library.symbols.standinRead(
      file,
      BigInt(offset),
      length,
      target,
      new Uint8Array(count.buffer),
    );
    return status === 0 ? target.subarray(0, count[0]) : statusName(status);
  }

  /** All of a file, read in pieces of `length` bytes. */
  async readFile(path: string, length = 100_000): Promise<Uint8Array> {
    const { status, file, bytes } = await this.open(path);
    equal(status, "SUCCESS", path);
    const all = new Uint8Array(bytes);
    for (let offset = 0; offset < bytes; offset += length) {
      const piece = await this.read(file, offset, length);
      equal(typeof piece, "object", `${path} at ${offset}: ${piece}`);
      all.set(piece as Uint8Array, offset);
    }
    equal(await this.ask("Close", file), "SUCCESS");
    return all;
  }

  /** Names and attributes in a folder, asked for in pieces of `length` bytes. */
  async list(path: string, length = 1000): Promise<Map<string, number>> {
    const { status, file } = await this.open(path);
    equal(status, "SUCCESS", path);
    const names = new Map<string, number>();
    const target = new Uint8Array(length), count = new Uint32Array(1);
    let marker: string | undefined;
    for (let isEnd = false; !isEnd;) {
      const result = await this.#library.symbols.standinList(
        file,
        marker === undefined ? null : wideString(marker),
        length,
        target,
        new Uint8Array(count.buffer),
      );
      equal(statusName(result), "SUCCESS");
      const rows = rowsIn(target.subarray(0, count[0]));
      for (const [name, attributes] of rows) names.set(name, attributes);
      isEnd = names.delete("");
      marker = [...names.keys()].at(-1);
    }
    equal(await this.ask("Close", file), "SUCCESS");
    return names;
  }

  /** Ends the volume as the driver does when it is uninstalled. */
  vanish(): void {
    this.#library.symbols.standinVanish();
  }

  /** What was counted; the counting starts anew. */
  count(): Counters {
    const words = new Uint32Array(8);
    this.#library.symbols.standinCount(new Uint8Array(words.buffer));
    const [callbacks, pendings, strays, misshapen, , inFlightMax] = words;
    return {
      callbacks: callbacks!,
      pendings: pendings!,
      strays: strays!,
      misshapen: misshapen!,
      inFlightMax: inFlightMax!,
      volumes: words[6]!,
      dispatchers: words[7]!,
    };
  }

  [Symbol.dispose](): void {
    this.#library.close();
  }
}

/** Names and attributes of a listing; "" for its end. */
export function rowsIn(bytes: Uint8Array): [string, number][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const rows: [string, number][] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const size = view.getUint16(at, true);
    if (size === 0) return [...rows, ["", 0]];
    const name = decodeWide(bytes.subarray(at + 104, at + size));
    rows.push([name, view.getUint32(at + 8, true)]);
    at += Math.ceil(size / 8) * 8;
  }
  return rows;
}
