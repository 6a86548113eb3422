// The WinFsp server over a view of a test's own: every request gets exactly one answer, the right one;
// a slow one holds up nobody; and a path that is open stays what it was.

import { deepEqual, equal, ok } from "node:assert/strict";
import {
  accessRights,
  createOptions,
  decodeWide,
  encodeResponse,
  type Reply,
  statuses,
} from "../../ffi/winfsp_layout.ts";
import type { OpenRequest, WinfspRequest } from "../../ffi/winfsp_requests.ts";
import { type Bytes, decodeUtf8 } from "../../src/base/bytes.ts";
import { Failure, type FailureCode } from "../../src/base/errors.ts";
import { statusOf } from "../../src/mount/ntstatus.ts";
import { nameMs } from "../../src/mount/windows_tree.ts";
import { WinfspServer } from "../../src/mount/winfsp_server.ts";
import { FakeView, type Folder } from "./fake_view.ts";

type StatusName = keyof typeof statuses;

const open: OpenRequest = {
  kind: "open",
  path: "\\",
  options: 0,
  disposition: 1,
  access: accessRights.FILE_GENERIC_READ,
  opensParent: false,
  namesFolder: false,
};

function nameOf(status: number): StatusName {
  const [name] = Object.entries(statuses).find(([, one]) => one === status)!;
  return name as StatusName;
}

/** A server over `tree`, and what it answered. */
class Desk {
  readonly view: FakeView;
  readonly server: WinfspServer<number>;
  readonly faults: unknown[] = [];
  readonly #replies = new Map<number, Reply>();
  readonly #waiting = new Map<number, () => void>();
  readonly #memory = new Map<number, Bytes>();
  #nowMs = 0;
  #next = 0;

  constructor(tree: Folder) {
    this.view = new FakeView(tree);
    this.server = new WinfspServer<number>({
      view: this.view,
      label: "photos",
      clock: { nowMs: () => 0, monotonicMs: () => this.#nowMs },
      onFault: (error) => this.faults.push(error),
      replier: {
        reply: (ticket, reply) => this.#reply(ticket, reply),
        copy: (ticket, address, bytes) => {
          ok(!this.#replies.has(ticket), "memory is ours until the reply");
          const target = this.#memory.get(ticket) ?? new Uint8Array(64 * 1024);
          this.#memory.set(ticket, target);
          target.set(bytes, Number(address) - 4096);
        },
      },
    });
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  async ask(request: WinfspRequest) {
    const ticket = this.#next++;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(ticket, resolve);
    this.server.take(request, ticket);
    if (!this.#replies.has(ticket)) await promise;
    const reply = this.#replies.get(ticket)!;
    return {
      status: nameOf(reply.status),
      reply,
      body: reply.body && new DataView(reply.body.buffer),
      bytes: this.#memory.get(ticket)?.subarray(0, reply.information ?? 0) ??
        new Uint8Array(0),
    };
  }

  async openPath(path: string, more: Partial<OpenRequest> = {}) {
    const { status, body, reply } = await this.ask({ ...open, path, ...more });
    return status !== "SUCCESS" ? { status } : {
      status,
      node: body!.getBigUint64(0, true),
      file: body!.getBigUint64(8, true),
      access: body!.getUint32(16, true),
      attributes: body!.getUint32(24, true),
      size: Number(body!.getBigUint64(40, true)),
      path: decodeWide(reply.buffer!),
    };
  }

  async read(file: bigint, offset: number, bytes: number) {
    const address = 4096n;
    const answer = await this.ask({
      kind: "read",
      file,
      offset,
      bytes,
      address,
    });
    return answer.status === "SUCCESS"
      ? decodeUtf8(answer.bytes)
      : answer.status;
  }

  async list(file: bigint, bytes = 4096, marker?: string) {
    const address = 4096n;
    const answer = await this.ask({
      kind: "list",
      file,
      bytes,
      marker,
      address,
    });
    equal(answer.status, "SUCCESS");
    return rowsIn(answer.bytes);
  }

  #reply(ticket: number, reply: Reply): void {
    equal(this.#replies.has(ticket), false, "one answer a request");
    encodeResponse(1, 1n, reply); // which refuses what does not fit
    this.#replies.set(ticket, reply);
    this.#waiting.get(ticket)?.();
  }
}

/** Names and attributes of a listing; "" for its end. */
function rowsIn(bytes: Bytes): [name: string, attributes: number][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const rows: [string, number][] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const size = view.getUint16(at, true);
    if (size === 0) {
      rows.push(["", 0]);
      break;
    }
    rows.push([
      decodeWide(bytes.subarray(at + 104, at + size)),
      view.getUint32(at + 8, true),
    ]);
    at += Math.ceil(size / 8) * 8;
  }
  return rows;
}

const tree = (): Folder => ({
  "a.txt": "hello",
  "locked.txt": "locked",
  "README": "upper",
  "readme": "lower",
  "x:y": "colon",
  dir: {
    "in.txt": "inside",
    up: { link: "../a.txt" },
    self: { link: "." },
    out: { link: "../../etc" },
    away: { link: "/etc/passwd" },
    gone: { link: "nothing" },
    round: { link: "round" },
    deep: { more: { "end.txt": "end" } },
    short: { link: "deep/./more" },
  },
});

Deno.test("a file is opened, read and closed", async () => {
  const desk = new Desk(tree());
  const file = await desk.openPath("\\A.TXT");
  deepEqual(
    { ...file, node: 0n, file: 0n },
    {
      status: "SUCCESS",
      node: 0n,
      file: 0n,
      access: 0x120089,
      attributes: 0x80,
      size: 5,
      path: "\\a.txt",
    },
  );
  equal(desk.view.openCount, 0, "nothing is opened before it is read");
  equal(await desk.read(file.file!, 0, 100), "hello");
  equal(await desk.read(file.file!, 1, 3), "ell");
  equal(await desk.read(file.file!, 5, 1), "END_OF_FILE");
  equal(await desk.read(file.file!, 0, 0), "");
  deepEqual(desk.server.openCount, { files: 1, paths: 1 });
  equal((await desk.ask({ kind: "cleanup" })).status, "SUCCESS");
  equal(
    (await desk.ask({ kind: "close", file: file.file! })).status,
    "SUCCESS",
  );
  equal(desk.view.openCount, 0);
  deepEqual(desk.server.openCount, { files: 0, paths: 0 });
  equal(await desk.read(file.file!, 0, 1), "INVALID_PARAMETER");
});

Deno.test("what is not there, and what is no folder", async () => {
  const desk = new Desk(tree());
  const rows: [string, StatusName][] = [
    ["\\none", "OBJECT_NAME_NOT_FOUND"],
    ["\\none\\x", "OBJECT_PATH_NOT_FOUND"],
    ["\\a.txt\\x", "OBJECT_PATH_NOT_FOUND"],
    ["\\x:y", "OBJECT_NAME_NOT_FOUND"],
    ["\\x\uf03ay", "SUCCESS"],
    ["\\dir\\IN.txt", "SUCCESS"],
  ];
  for (const [path, status] of rows) {
    equal((await desk.openPath(path)).status, status, path);
  }
});

Deno.test("nothing can be made, changed or deleted", async () => {
  const desk = new Desk(tree());
  const rows: [string, Partial<OpenRequest>, StatusName][] = [
    ["\\new", { disposition: 2 }, "MEDIA_WRITE_PROTECTED"],
    ["\\new", { disposition: 3 }, "MEDIA_WRITE_PROTECTED"],
    ["\\new", { disposition: 5 }, "MEDIA_WRITE_PROTECTED"],
    ["\\new", { disposition: 4 }, "OBJECT_NAME_NOT_FOUND"],
    ["\\no\\new", { disposition: 2 }, "OBJECT_PATH_NOT_FOUND"],
    ["\\a.txt", { disposition: 2 }, "OBJECT_NAME_COLLISION"],
    ["\\a.txt", { disposition: 3 }, "SUCCESS"],
    ["\\a.txt", { disposition: 0 }, "MEDIA_WRITE_PROTECTED"],
    ["\\a.txt", { disposition: 4 }, "MEDIA_WRITE_PROTECTED"],
    ["\\a.txt", { disposition: 5 }, "MEDIA_WRITE_PROTECTED"],
    ["\\a.txt", { access: 0x2 }, "MEDIA_WRITE_PROTECTED"],
    ["\\a.txt", { access: 0x120089 | 0x10000 }, "MEDIA_WRITE_PROTECTED"],
    ["\\a.txt", { options: 0x1000 }, "MEDIA_WRITE_PROTECTED"],
    ["\\dir", { access: 0x40 }, "MEDIA_WRITE_PROTECTED"],
    ["\\dir\\new", { opensParent: true }, "MEDIA_WRITE_PROTECTED"],
  ];
  for (const [path, more, status] of rows) {
    equal(
      (await desk.openPath(path, more)).status,
      status,
      JSON.stringify(more),
    );
  }
  equal((await desk.ask({ kind: "write" })).status, "MEDIA_WRITE_PROTECTED");
  equal(
    (await desk.ask({ kind: "unsupported" })).status,
    "INVALID_DEVICE_REQUEST",
  );
  equal(
    (await desk.ask({ kind: "unintelligible" })).status,
    "OBJECT_NAME_INVALID",
  );
});

Deno.test("who wants a folder gets none but a folder, and the reverse", async () => {
  const desk = new Desk(tree());
  const { FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE } = createOptions;
  const rows: [string, Partial<OpenRequest>, StatusName][] = [
    ["\\a.txt", { options: FILE_DIRECTORY_FILE }, "NOT_A_DIRECTORY"],
    ["\\a.txt", { namesFolder: true }, "NOT_A_DIRECTORY"],
    ["\\a.txt", { options: FILE_NON_DIRECTORY_FILE }, "SUCCESS"],
    ["\\dir", { options: FILE_NON_DIRECTORY_FILE }, "FILE_IS_A_DIRECTORY"],
    ["\\dir", { options: FILE_DIRECTORY_FILE, namesFolder: true }, "SUCCESS"],
    ["\\", { options: FILE_DIRECTORY_FILE }, "SUCCESS"],
  ];
  for (const [path, more, status] of rows) {
    equal((await desk.openPath(path, more)).status, status, path);
  }
});

Deno.test("all that may be had is what reading needs", async () => {
  const desk = new Desk(tree());
  const file = await desk.openPath("\\a.txt", {
    access: accessRights.MAXIMUM_ALLOWED,
  });
  equal(file.access, 0x1200a9);
});

Deno.test("a folder is listed in order, with what Windows allows, in pieces too", async () => {
  const desk = new Desk(tree());
  const { file } = await desk.openPath("\\");
  const rows = await desk.list(file!);
  const names = rows.map(([name]) => name);
  deepEqual(names.filter((name) => !name.startsWith("readme~")), [
    "a.txt",
    "dir",
    "locked.txt",
    "README",
    "x\uf03ay",
    "",
  ]);
  equal(names.length, 7);
  deepEqual(rows[0], ["a.txt", 0x80]);
  deepEqual(rows[1], ["dir", 0x10]);
  deepEqual(rows[2], ["locked.txt", 0x1]);
  const pieces: string[] = [];
  while (pieces.at(-1) !== "") {
    const piece = await desk.list(file!, 140, pieces.at(-1));
    pieces.push(...piece.map(([name]) => name));
  }
  deepEqual(pieces, names);
  const other = names.find((name) => name.startsWith("readme~"))!;
  const lower = await desk.openPath(`\\${other}`);
  equal(lower.size, 5);
  ok(lower.node !== (await desk.openPath("\\readme")).node);
});

Deno.test("below the root, the folder itself and the one above come first", async () => {
  const desk = new Desk(tree());
  const { file } = await desk.openPath("\\dir\\deep\\more");
  const names = async (marker?: string) =>
    (await desk.list(file!, 4096, marker)).map(([name]) => name);
  deepEqual(await names(), [".", "..", "end.txt", ""]);
  deepEqual(await names("."), ["..", "end.txt", ""]);
  deepEqual(await names(".."), ["end.txt", ""]);
  deepEqual(await names("END.TXT"), [""]);
  deepEqual(await names("b"), ["end.txt", ""]);
});

Deno.test("links are links, and opens are sent to where they lead", async () => {
  const desk = new Desk(tree());
  const target = async (path: string) => {
    const { status, reply } = await desk.ask({ ...open, path });
    if (status !== "REPARSE") return status;
    const { buffer } = reply;
    const view = new DataView(buffer!.buffer);
    equal(view.getUint32(0, true), 0xa000000c);
    const length = view.getUint16(10, true);
    return decodeWide(buffer!.subarray(20, 20 + length));
  };
  const rows: [string, string][] = [
    ["\\dir\\up", "\\a.txt"],
    ["\\DIR\\short", "\\dir\\deep\\more"],
    ["\\dir\\short\\end.txt", "\\dir\\deep\\more\\end.txt"],
    ["\\dir\\self\\self\\in.txt", "\\dir\\in.txt"],
    ["\\dir\\self", "\\dir"],
    ["\\dir\\out", "REPARSE_POINT_NOT_RESOLVED"],
    ["\\dir\\away", "REPARSE_POINT_NOT_RESOLVED"],
    ["\\dir\\round", "REPARSE_POINT_NOT_RESOLVED"],
    ["\\dir\\gone", "OBJECT_NAME_NOT_FOUND"],
    ["\\dir\\gone\\x", "OBJECT_PATH_NOT_FOUND"],
  ];
  for (const [path, expected] of rows) {
    equal(await target(path), expected, path);
  }
  const options = createOptions.FILE_OPEN_REPARSE_POINT;
  const link = await desk.openPath("\\dir\\short", { options });
  equal(link.attributes, 0x410);
  equal((await desk.openPath("\\dir\\up", { options })).attributes, 0x400);
  const { status, reply } = await desk.ask({ kind: "link", file: link.file! });
  equal(status, "SUCCESS");
  equal(decodeWide(reply.buffer!.subarray(20, 42)), "deep\\.\\more");
  const plain = await desk.openPath("\\a.txt");
  equal(
    (await desk.ask({ kind: "link", file: plain.file! })).status,
    "NOT_A_REPARSE_POINT",
  );
  const { file } = await desk.openPath("\\dir");
  const looks = new Map(await desk.list(file!));
  equal(looks.get("self"), 0x410);
  equal(looks.get("up"), 0x400);
  equal(looks.get("gone"), 0x400);
  // Who follows a link that somebody else has open as a link is sent on all the same.
  equal(await target("\\dir\\short"), "\\dir\\deep\\more");
});

Deno.test("a path that is open stays what it was, whatever has its name by then", async () => {
  const files = tree();
  const desk = new Desk(files);
  const first = await desk.openPath("\\a.txt");
  files["a.txt"] = "newer!";
  desk.pass(nameMs);
  const second = await desk.openPath("\\A.txt");
  equal(second.node, first.node);
  equal(second.size, 5);
  ok(second.file !== first.file);
  equal(await desk.read(second.file!, 0, 10), "hello");
  await desk.ask({ kind: "close", file: first.file! });
  equal(await desk.read(second.file!, 0, 10), "hello");
  await desk.ask({ kind: "close", file: second.file! });
  const third = await desk.openPath("\\a.txt");
  equal(await desk.read(third.file!, 0, 10), "newer!");
});

Deno.test("names that come and go are seen a second later", async () => {
  const files = tree();
  const desk = new Desk(files);
  equal((await desk.openPath("\\new")).status, "OBJECT_NAME_NOT_FOUND");
  files["new"] = "text";
  equal((await desk.openPath("\\new")).status, "OBJECT_NAME_NOT_FOUND");
  desk.pass(nameMs);
  equal((await desk.openPath("\\new")).status, "SUCCESS");
});

Deno.test("a slow read holds up nobody, and its file stays open until it is done", async () => {
  const desk = new Desk(tree());
  const file = await desk.openPath("\\a.txt");
  equal(await desk.read(file.file!, 0, 1), "h");
  const { promise, resolve } = Promise.withResolvers<void>();
  desk.view.gate = promise;
  const slow = desk.read(file.file!, 1, 4);
  desk.view.gate = undefined;
  equal(await desk.read(file.file!, 0, 2), "he");
  await desk.ask({ kind: "close", file: file.file! });
  equal(desk.view.openCount, 1);
  resolve();
  equal(await slow, "ello");
  equal(desk.view.openCount, 0);
});

Deno.test("lost bytes are an error of exactly that, and nothing is kept of it", async () => {
  const desk = new Desk(tree());
  const file = await desk.openPath("\\a.txt");
  desk.view.lost = true;
  equal(await desk.read(file.file!, 0, 5), "CRC_ERROR");
  desk.view.lost = false;
  equal(await desk.read(file.file!, 0, 5), "hello");
});

Deno.test("what cannot be is answered, too", async () => {
  const desk = new Desk(tree());
  const folder = await desk.openPath("\\dir");
  equal(await desk.read(folder.file!, 0, 1), "INVALID_DEVICE_REQUEST");
  const file = await desk.openPath("\\a.txt");
  const list = {
    kind: "list",
    bytes: 99,
    marker: undefined,
    address: 4096n,
  } as const;
  equal(
    (await desk.ask({ ...list, file: file.file! })).status,
    "INVALID_PARAMETER",
  );
  equal((await desk.ask({ ...list, file: 999n })).status, "INVALID_PARAMETER");
  equal(
    (await desk.ask({ ...list, file: folder.file! })).status,
    "BUFFER_TOO_SMALL",
  );
  for (const kind of ["info", "link"] as const) {
    equal((await desk.ask({ kind, file: 999n })).status, "INVALID_PARAMETER");
  }
  equal((await desk.ask({ kind: "close", file: 999n })).status, "SUCCESS");
  equal((await desk.ask({ kind: "flush", file: 0n })).status, "SUCCESS");
  const flushed = await desk.ask({ kind: "flush", file: file.file! });
  equal(flushed.body!.getBigUint64(16, true), 5n);
  equal(desk.faults.length, 0);
  desk.view.openFile = () => {
    throw new TypeError("ours");
  };
  equal(await desk.read(file.file!, 0, 1), "INTERNAL_ERROR");
  equal(desk.faults.length, 1);
  desk.view.openFile = () => {
    throw new Failure("not-found", "removed");
  };
  equal(await desk.read(file.file!, 0, 1), "FILE_INVALID");
});

Deno.test("the volume tells its sizes", async () => {
  const desk = new Desk(tree());
  const { body } = await desk.ask({ kind: "volume" });
  equal(body!.getBigUint64(0, true), 12288n);
  equal(body!.getBigUint64(8, true), 4096n);
  equal(body!.getUint16(16, true), 12);
});

Deno.test("closeAll() leaves nothing open", async () => {
  const desk = new Desk(tree());
  const file = await desk.openPath("\\a.txt");
  await desk.openPath("\\dir");
  await desk.read(file.file!, 0, 1);
  desk.server.closeAll();
  deepEqual(desk.server.openCount, { files: 0, paths: 0 });
  equal(desk.view.openCount, 0);
});

const failures: Record<FailureCode, StatusName> = {
  "not-found": "FILE_INVALID",
  "exists": "INVALID_PARAMETER",
  "permission-denied": "ACCESS_DENIED",
  "no-space": "INSUFFICIENT_RESOURCES",
  "read-only": "MEDIA_WRITE_PROTECTED",
  "io": "IO_DEVICE_ERROR",
  "offline": "DEVICE_NOT_READY",
  "unsafe-path": "IO_DEVICE_ERROR",
  "wrong-kind": "NOT_A_DIRECTORY",
  "invalid-name": "OBJECT_NAME_INVALID",
  "invalid-argument": "INVALID_PARAMETER",
  "invalid-config": "INVALID_PARAMETER",
  "ambiguous": "INVALID_PARAMETER",
  "locked": "INVALID_PARAMETER",
  "source-changed": "IO_DEVICE_ERROR",
  "source-unreadable": "IO_DEVICE_ERROR",
  "damaged": "CRC_ERROR",
  "unsupported-format": "NOT_SUPPORTED",
  "interrupted": "CANCELLED",
};

for (const [code, name] of Object.entries(failures)) {
  Deno.test(`statusOf(${code}) is ${name}`, () => {
    equal(nameOf(statusOf(new Failure(code as FailureCode, "no"))), name);
  });
}
