import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import type { Bytes } from "../../src/base/bytes.ts";
import { Failure, isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { Codec } from "../../src/codec/mod.ts";
import { formatHex } from "../../src/base/bytes.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { streamOf } from "./byte_streams.ts";
import { Bench, kib, listFiles, readFile, readTree } from "./harness.ts";

function payloadOf(bytes: number): Bytes {
  return new Prng(bytes + 3).bytes(bytes);
}

function commitStream(
  bench: Bench,
  bytes: Bytes,
  options: { policy?: string; force?: boolean; error?: Error } = {},
) {
  const { error, ...rest } = options;
  return bench.engine.commitStream({
    reader: streamOf(bytes, 5000, error),
    label: "-",
    name: "x",
    ...rest,
  });
}

// Segments of 16 KiB: tier 2 ends at 64 KiB.
const sizes = [
  0,
  1,
  1023,
  1024,
  8 * kib,
  16 * kib - 1,
  16 * kib,
  16 * kib + 1,
  50_000,
  64 * kib,
  70_001,
  30 * 16 * kib,
  31 * 16 * kib,
];

for (const policy of [undefined, "erasure:4+2", "replicate:2"]) {
  Deno.test(`commitStream() stores what came, of any size (${policy ?? "by size"})`, async () => {
    for (const size of sizes) {
      const payload = payloadOf(size);
      const bench = new Bench();
      const options = policy === undefined ? {} : { policy };
      const report = await commitStream(bench, payload, options);
      const label = `${size} bytes`;
      deepStrictEqual((await bench.restore("x")).bytes, payload, label);
      strictEqual((await bench.healthOfOne(false)).state, "healthy", label);
      strictEqual(report.root, formatHex(Codec.open().digest(payload)), label);
      strictEqual(report.source, "-");
      strictEqual(report.modified, undefined, "a stream has no time");
      strictEqual(report.mode, undefined);
      deepStrictEqual(bench.archive.list("").map(({ name }) => name), [
        report.folder,
      ], "nothing else is left");
      deepStrictEqual(
        (await bench.healthOfOne(false)).strangers,
        [],
        label,
      );
    }
  });
}

Deno.test("commitStream() gives a small payload the shape that a file of it gets", async () => {
  for (const size of [0, 100, 9 * kib, 70_001]) {
    const bench = new Bench();
    const file = await bench.commit("file", payloadOf(size));
    const stream = await commitStream(bench, payloadOf(size));
    for (
      const key of ["tier", "policy", "segmentBytes", "blockCount"] as const
    ) {
      strictEqual(stream[key], file[key], `${size}: ${key}`);
    }
  }
});

Deno.test("commitStream() writes the data of one data shard a block, and of long streams, once", async () => {
  const cases = [
    { size: 60 * kib, written: 4, policy: "erasure:1+3" },
    // 301 segments of 4+2: the stump costs less than a hundredth.
    { size: 301 * 16 * kib, written: 1.5, policy: "erasure:4+2" },
    // 5 segments of 4+2 are cut anew, from pieces that are written before.
    { size: 5 * 16 * kib, written: 2.5, policy: "erasure:4+2" },
  ];
  for (const { size, written, policy } of cases) {
    let bytes = 0;
    const store = new Proxy(new MemoryStore(), {
      get: (target, key) => {
        const value = Reflect.get(target, key, target);
        if (key !== "openFile") {
          return typeof value === "function" ? value.bind(target) : value;
        }
        return (...args: Parameters<MemoryStore["openFile"]>) => {
          const file = target.openFile(...args);
          const write = file.writeFrom.bind(file);
          file.writeFrom = (source, offset) => {
            if (!/json|outboard/.test(args[0])) bytes += source.length;
            write(source, offset);
          };
          return file;
        };
      },
    });
    const bench = new Bench({ archive: store });
    await commitStream(bench, payloadOf(size), { policy });
    deepStrictEqual((await bench.restore("x")).bytes, payloadOf(size));
    ok(
      Math.abs(bytes / size - written) < 0.06,
      `${policy}, ${size}: ${bytes / size} times the payload, not ${written}`,
    );
  }
});

Deno.test("commitStream() of what is there already stores nothing, unless forced", async () => {
  const bench = new Bench();
  const first = await commitStream(bench, payloadOf(50_000));
  const before = readTree(bench.archive, "");
  const second = await commitStream(bench, payloadOf(50_000));
  deepStrictEqual([second.outcome, second.id], ["unchanged", first.id]);
  deepStrictEqual(readTree(bench.archive, ""), before);
  const third = await commitStream(bench, payloadOf(50_000), { force: true });
  strictEqual(third.outcome, "committed");
  strictEqual(bench.engine.list().entries.length, 2);
});

Deno.test("commitStream() of nothing stores an empty entry, and warns", async () => {
  const bench = new Bench();
  await commitStream(bench, new Uint8Array(0));
  const warnings = bench.events.filter(({ kind }) => kind === "warning");
  deepStrictEqual(warnings, [{
    kind: "warning",
    message: 'Nothing came from "-": the entry is empty',
  }]);
});

Deno.test("commitStream() of a stream that breaks leaves the archive as it was", async () => {
  for (const size of [0, 10, 40_000, 100_000]) {
    const bench = new Bench();
    await bench.commit("old", payloadOf(3000));
    const before = readTree(bench.archive, "");
    const error = new Error("the pipe burst");
    await rejects(
      commitStream(bench, payloadOf(size), { error }),
      (thrown) =>
        isFailure(thrown, "source-unreadable") &&
        thrown.message ===
          'Cannot commit "-": it cannot be read: the pipe burst',
    );
    deepStrictEqual(readTree(bench.archive, ""), before);
  }
});

Deno.test("commitStream() that is told to stop while nothing comes stops at once, and leaves nothing", async () => {
  const stop = new AbortController();
  const bench = new Bench({ signal: stop.signal });
  let reads = 0;
  const running = bench.engine.commitStream({
    reader: {
      read: (target) => {
        if (reads++ === 0) return Promise.resolve(target.length);
        setTimeout(() => stop.abort(), 0);
        return new Promise(() => {}); // as a pipe whose other end sleeps
      },
    },
    label: "-",
    name: "x",
  });
  await rejects(running, (error) => isFailure(error, "interrupted"));
  deepStrictEqual(bench.archive.list(""), []);
});

Deno.test("commitStream() hears a stop that comes together with the stream's end", async () => {
  const stop = new AbortController();
  const bench = new Bench({ signal: stop.signal });
  const running = bench.engine.commitStream({
    reader: {
      read: () => {
        setTimeout(() => stop.abort(), 1);
        return Promise.resolve(0);
      },
    },
    label: "-",
    name: "x",
  });
  await rejects(running, (error) => isFailure(error, "interrupted"));
  deepStrictEqual(bench.archive.list(""), []);
});

Deno.test("commitStream() reads nothing where name or policy cannot be", async () => {
  const bench = new Bench();
  const reader = {
    read: () => Promise.reject(new Failure("io", "was read")),
  };
  const stream = { reader, label: "-", name: "x" };
  await rejects(
    bench.engine.commitStream({ ...stream, name: "a/b" }),
    (error) => isFailure(error, "invalid-name"),
  );
  await rejects(
    bench.engine.commitStream({ ...stream, policy: "erasure:300+1" }),
    (error) => isFailure(error, "invalid-argument"),
  );
});

Deno.test("commitStream() on a full disk leaves the archive as it was, wherever the disk ends", async () => {
  for (let room = 0; room < 500 * kib; room += 30 * kib) {
    const store = new MemoryStore();
    const bench = new Bench({ archive: store });
    await bench.commit("old", payloadOf(3000));
    const before = readTree(store, "");
    store.capacityBytes = store.usedBytes + room;
    try {
      await commitStream(bench, payloadOf(100_000), { policy: "replicate:4" });
      ok(room > 400_000, `${room}`);
    } catch (error) {
      ok(isFailure(error, "no-space"), String(error));
      match(error.message, /^Cannot commit "-": the archive's disk is full/);
      deepStrictEqual(readTree(store, ""), before);
    }
  }
});

Deno.test("commitStream() refuses what the disk gives back otherwise than it came", async () => {
  for (const size of [20_000, 70_001]) {
    const store = new MemoryStore();
    const faulty = new FaultyStore(store, [{
      kind: "flipped-write",
      path: /piece_1$/,
      index: 5,
      mask: 1,
    }]);
    const bench = new Bench({ archive: faulty });
    await rejects(
      commitStream(bench, payloadOf(size)),
      (error) =>
        isFailure(error, "io") && /as it came, and is/.test(error.message),
    );
    deepStrictEqual(faulty.unfired(), []);
    deepStrictEqual(store.list(""), []);
  }
});

Deno.test("commitStream() takes the pieces as the segments, byte for byte", async () => {
  const bench = new Bench();
  const payload = payloadOf(40_000);
  const { folder } = await commitStream(bench, payload);
  const segments = listFiles(bench.archive, `${folder}/segments`);
  strictEqual(segments.length, 3);
  strictEqual(
    segments.map((path) => readFile(bench.archive, path).length)
      .reduce((sum, bytes) => sum + bytes),
    40_000,
  );
});
