// The FUSE server over a view of a test's own: every request gets exactly one answer, the right one,
// and a slow one holds up nobody.

import { deepEqual, equal, ok } from "node:assert/strict";
import { encodeAnswer, type FuseAnswer } from "../../ffi/fuse_answers.ts";
import { errorNumbers } from "../../ffi/fuse_layout.ts";
import type { FuseRequest } from "../../ffi/fuse_requests.ts";
import { type Bytes, encodeUtf8, joinBytes } from "../../src/base/bytes.ts";
import { Failure } from "../../src/base/errors.ts";
import { FuseServer, type Presentation } from "../../src/mount/fuse_server.ts";
import {
  readBytesMax,
  rootId,
  type View,
  type ViewNode,
} from "../../src/view/view.ts";

const plain: Presentation = {
  uid: undefined,
  gid: undefined,
  ownUid: 1000,
  ownGid: 100,
  storedOwners: false,
  mode: undefined,
};

const file: ViewNode = {
  id: 5n,
  kind: "file",
  bytes: 10,
  modifiedNs: 0n,
  linkCount: 1,
  uid: 7,
  nameChanges: false,
};

const root: ViewNode = {
  ...file,
  id: rootId,
  kind: "folder",
  bytes: 0,
  nameChanges: true,
};

/** A view with one file, and what a test changes about it. */
function viewOf(parts: Partial<View> = {}): View {
  return {
    node: (id) => {
      if (id === rootId) return root;
      if (id === file.id) return file;
      throw new Failure("not-found", "it is gone");
    },
    lookup: (_, name) => name === "it" ? file : undefined,
    openFolder: () => ({
      isFixed: false,
      *rows(from) {
        for (let index = from; index < 3; index++) {
          const name = `f${index}`;
          yield { name, node: file, isWhole: true, next: index + 1 };
        }
      },
    }),
    openFile: () => ({
      read: (offset, bytes) => ({
        kind: "bytes",
        bytes: {
          parts: [new Uint8Array(Math.min(bytes, 10 - offset)).fill(offset)],
          [Symbol.dispose]: () => {},
        },
      }),
      [Symbol.dispose]: () => {},
    }),
    readLink: () => "../there",
    labels: () => ["user.a", "user.b"],
    label: (_, name) => name === "user.a" ? encodeUtf8("value") : undefined,
    statistics: () => ({ bytes: 8192, fileCount: 2, freeBytes: 4096 }),
    ...parts,
  };
}

type Answer = number | Bytes | "nothing";

/** An answer as Linux has it; 0 for one without bytes. */
function formOf(answer: FuseAnswer): Answer {
  if (answer.kind === "done") return 0;
  return answer.kind === "bytes" ? answer.bytes.slice() : encodeAnswer(answer);
}

/** A server, and the answers that it gave. */
function serve(parts: Partial<View> = {}, look: Partial<Presentation> = {}) {
  const answers = new Map<number, Answer>();
  const waiting = new Map<number, () => void>();
  const faults: unknown[] = [];
  const answer = (ticket: number, value: Answer) => {
    equal(answers.has(ticket), false, "one answer a request");
    answers.set(ticket, value);
    waiting.get(ticket)?.();
  };
  const server = new FuseServer<number>({
    view: viewOf(parts),
    replier: {
      replyError: (ticket, name) => answer(ticket, errorNumbers[name]),
      replyNothing: (ticket) => answer(ticket, "nothing"),
      reply: (ticket, value) => answer(ticket, formOf(value)),
      replyParts: (ticket, bytes) => answer(ticket, joinBytes(bytes)),
    },
    presentation: { ...plain, ...look },
    foreignLabel: "EOPNOTSUPP",
    onFault: (error) => faults.push(error),
  });
  let next = 0;
  const ask = async (request: FuseRequest): Promise<Answer> => {
    const ticket = next++;
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(ticket, resolve);
    server.take(request, ticket);
    if (!answers.has(ticket)) await promise;
    return answers.get(ticket)!;
  };
  return { server, ask, answers, faults };
}

/** Opens the file; gives its number. */
async function opened(
  ask: (request: FuseRequest) => Promise<Answer>,
  kind: "open" | "opendir",
): Promise<bigint> {
  const reply = await ask(
    kind === "open" ? { kind, node: 5n, flags: 0 } : { kind, node: rootId },
  );
  ok(reply instanceof Uint8Array);
  return new DataView(reply.buffer).getBigUint64(0, true);
}

const range = { node: 5n, offset: 3, bytes: 100 };

Deno.test("plain requests get plain answers", async () => {
  const { ask } = serve();
  const rows: readonly [FuseRequest, Answer | undefined][] = [
    [{ kind: "forget" }, "nothing"],
    [{ kind: "write" }, errorNumbers.EROFS],
    [{ kind: "unintelligible" }, errorNumbers.ENOENT],
    [{ kind: "access", node: 5n }, 0],
    [{ kind: "access", node: 6n }, errorNumbers.ESTALE],
    [{ kind: "getattr", node: 6n }, errorNumbers.ESTALE],
    [{ kind: "readlink", node: 5n }, encodeUtf8("../there")],
    [
      { kind: "getxattr", node: 5n, name: "user.a", bytes: 100 },
      encodeUtf8("value"),
    ],
    [
      { kind: "getxattr", node: 5n, name: "user.a", bytes: 4 },
      errorNumbers.ERANGE,
    ],
    [
      { kind: "getxattr", node: 5n, name: "user.x", bytes: 4 },
      errorNumbers.ENODATA,
    ],
    [
      { kind: "getxattr", node: 5n, name: "security.selinux", bytes: 255 },
      errorNumbers.EOPNOTSUPP,
    ],
    [
      { kind: "getxattr", node: 9n, name: "system.posix_acl_access", bytes: 0 },
      errorNumbers.EOPNOTSUPP,
    ],
    [
      { kind: "listxattr", node: 5n, bytes: 100 },
      encodeUtf8("user.a\0user.b\0"),
    ],
    [{ kind: "read", ...range, file: 99n }, errorNumbers.EINVAL],
    [{ kind: "readdir", ...range, file: 99n }, errorNumbers.EINVAL],
  ];
  for (const [request, expected] of rows) {
    deepEqual(await ask(request), expected, JSON.stringify(request.kind));
  }
});

Deno.test("a size is told where only that was asked for", async () => {
  const { ask } = serve();
  const reply = await ask({ kind: "listxattr", node: 5n, bytes: 0 });
  deepEqual(reply, new Uint8Array([14, 0, 0, 0, 0, 0, 0, 0]));
});

Deno.test("a name that is not there is an entry with number 0", async () => {
  const { ask } = serve();
  const reply = await ask({ kind: "lookup", parent: rootId, name: "no" });
  ok(reply instanceof Uint8Array && reply.length === 128);
  equal(new DataView(reply.buffer).getBigUint64(0, true), 0n);
});

Deno.test("the kernel may believe a name that stays for long, and one that may change for a second", async () => {
  const secondsOf = async (node: Partial<ViewNode>) => {
    const { ask } = serve({ lookup: () => ({ ...file, ...node }) });
    const reply = await ask({ kind: "lookup", parent: rootId, name: "it" });
    ok(reply instanceof Uint8Array);
    const view = new DataView(reply.buffer);
    return [16, 24].map((offset) => Number(view.getBigUint64(offset, true)));
  };
  const day = 24 * 3600;
  deepEqual(await secondsOf({ nameChanges: false }), [day, day]);
  deepEqual(await secondsOf({ nameChanges: true }), [1, day]);
  deepEqual(await secondsOf({ nameChanges: true, kind: "folder" }), [1, 1]);
  const { ask } = serve();
  const absent = await ask({ kind: "lookup", parent: rootId, name: "no" });
  ok(absent instanceof Uint8Array);
  equal(new DataView(absent.buffer).getBigUint64(16, true), 1n);
});

Deno.test("owner and permission bits are the chosen ones, else the stored, else one's own", async () => {
  const uidOf = async (look: Partial<Presentation>) => {
    const { ask } = serve({}, look);
    const reply = await ask({ kind: "getattr", node: 5n });
    ok(reply instanceof Uint8Array);
    const view = new DataView(reply.buffer);
    return [view.getUint32(16 + 68, true), view.getUint32(16 + 60, true)];
  };
  deepEqual(await uidOf({}), [1000, 0o100644]);
  deepEqual(await uidOf({ storedOwners: true }), [7, 0o100644]);
  deepEqual(await uidOf({ uid: 0, mode: 0o400 }), [0, 0o100400]);
});

Deno.test("reads are answered in the order in which their bytes come", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { ask, answers } = serve({
    openFile: () => ({
      read: async (offset) => {
        if (offset === 0) await promise;
        return {
          kind: "bytes",
          bytes: {
            parts: [new Uint8Array([offset])],
            [Symbol.dispose]: () => {},
          },
        };
      },
      [Symbol.dispose]: () => {},
    }),
  });
  const number = await opened(ask, "open");
  const slow = ask({
    kind: "read",
    node: 5n,
    offset: 0,
    bytes: 1,
    file: number,
  });
  deepEqual(
    await ask({ kind: "read", node: 5n, offset: 9, bytes: 1, file: number }),
    new Uint8Array([9]),
  );
  equal(answers.size, 2, "the slow one waits");
  resolve();
  deepEqual(await slow, new Uint8Array([0]));
});

Deno.test("a read of more than a view gives at once is whole, up to the file's end, and held until it is answered", async () => {
  const size = 2 * readBytesMax + 5000;
  let held = 0;
  const { ask, answers } = serve({
    openFile: () => ({
      read: (offset, bytes) => {
        ok(bytes <= readBytesMax);
        const length = Math.max(0, Math.min(bytes, size - offset));
        const part = new Uint8Array(length).fill(offset / readBytesMax);
        held++;
        const dispose = () => {
          equal(answers.size, 1 + answered, "not before the answer");
          held--;
        };
        return {
          kind: "bytes",
          bytes: { parts: [part], [Symbol.dispose]: dispose },
        };
      },
      [Symbol.dispose]: () => {},
    }),
  });
  const file = await opened(ask, "open");
  let answered = 1;
  const read = (offset: number, bytes: number) =>
    ask({ kind: "read", node: 5n, offset, bytes, file });
  const all = await read(0, 3 * readBytesMax);
  ok(all instanceof Uint8Array);
  equal(all.length, size);
  deepEqual([0, readBytesMax, size - 1].map((at) => all[at]), [0, 1, 2]);
  answered++;
  const some = await read(0, readBytesMax + 1);
  ok(some instanceof Uint8Array);
  equal(some.length, readBytesMax + 1);
  equal(held, 0);
});

Deno.test("lost bytes are EIO, a removed entry is ESTALE, a mistake of ours is told", async () => {
  const outcomes = [
    () => ({ kind: "lost" as const }),
    () => {
      throw new Failure("not-found", "removed");
    },
    () => Promise.reject(new Failure("offline", "unplugged")),
    () => Promise.reject(new TypeError("no")),
  ];
  let outcome = 0;
  const { ask, faults } = serve({
    openFile: () => ({
      read: () => outcomes[outcome++]!(),
      [Symbol.dispose]: () => {},
    }),
  });
  const number = await opened(ask, "open");
  const read = () => ask({ kind: "read", ...range, file: number });
  equal(await read(), errorNumbers.EIO);
  equal(await read(), errorNumbers.ESTALE);
  equal(await read(), errorNumbers.ENODEV);
  equal(faults.length, 0);
  equal(await read(), errorNumbers.EIO);
  equal(faults.length, 1);
});

Deno.test("a folder is listed in as many replies as it takes, and closed", async () => {
  const { ask, server } = serve();
  const number = await opened(ask, "opendir");
  equal(server.openCount, 1);
  const list = (offset: number) =>
    ask({ kind: "readdir", node: rootId, offset, bytes: 64, file: number });
  const first = await list(0);
  ok(first instanceof Uint8Array);
  equal(first.length, 64, "two rows fit");
  const second = await list(2);
  ok(second instanceof Uint8Array);
  equal(second.length, 32);
  deepEqual(await list(3), new Uint8Array(0));
  equal(await ask({ kind: "releasedir", node: rootId, file: number }), 0);
  equal(server.openCount, 0);
});

Deno.test("a folder that is listed from its start again shows what came meanwhile", async () => {
  for (const isFixed of [false, true]) {
    let openCount = 0;
    const { ask } = serve({
      openFolder: () => {
        const name = `f${openCount++}`;
        const row = { name, node: file, isWhole: true, next: 1 };
        return { isFixed, rows: (from) => from === 0 ? [row] : [] };
      },
    });
    const number = await opened(ask, "opendir");
    const list = async (offset: number) => {
      const request = { node: rootId, offset, bytes: 64, file: number };
      const reply = await ask({ kind: "readdir", ...request });
      ok(reply instanceof Uint8Array);
      return new TextDecoder().decode(reply.subarray(24, 26));
    };
    deepEqual([await list(0), await list(1)], ["f0", ""]);
    deepEqual([await list(0), await list(1)], [isFixed ? "f0" : "f1", ""]);
  }
});

Deno.test("the kernel may keep the rows of a folder that stays, and of no other", async () => {
  for (const isFixed of [false, true]) {
    const { ask } = serve({ openFolder: () => ({ isFixed, rows: () => [] }) });
    const reply = await ask({ kind: "opendir", node: rootId });
    ok(reply instanceof Uint8Array);
    const flags = new DataView(reply.buffer).getUint32(8, true);
    equal(flags, isFixed ? 2 | 8 : 0);
  }
});

Deno.test("release ends the file, and closeAll what is left", async () => {
  let closed = 0;
  const { ask, server } = serve({
    openFile: () => ({
      read: () => ({ kind: "lost" }),
      [Symbol.dispose]: () => {
        closed++;
      },
    }),
  });
  const first = await opened(ask, "open");
  await opened(ask, "open");
  equal(await ask({ kind: "release", node: 5n, file: first }), 0);
  equal(closed, 1);
  server.closeAll();
  equal(closed, 2);
  equal(server.openCount, 0);
});
