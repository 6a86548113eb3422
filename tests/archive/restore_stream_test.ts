import {
  deepStrictEqual,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import type { Bytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { WindowStore } from "../../src/archive/window_store.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { Collector } from "./byte_streams.ts";
import {
  Bench,
  cutFile,
  kib,
  listFiles,
  readTree,
  removeFile,
  rotBytes,
  writeFile,
} from "./harness.ts";

const payload: Bytes = new Prng(2).bytes(200 * kib + 9);

function restoreTo(bench: Bench, writer: Collector, partial = false) {
  return bench.engine.restoreToStream(bench.engine.select("x"), {
    writer,
    label: "standard output",
    partial,
  });
}

async function makeArchive(policy?: string, bytes: Bytes = payload) {
  const bench = new Bench();
  const { folder } = await bench.commit("x", bytes, policy);
  const shards = listFiles(bench.archive, folder)
    .filter((path) => path.endsWith(".dat"));
  const segments = shards.filter((path) => path.includes("segments/"));
  return { bench, folder, shards, segments };
}

for (const policy of [undefined, "erasure:4+2", "replicate:3", "erasure:3+0"]) {
  Deno.test(`restoreToStream() writes the payload in order (${policy ?? "by size"})`, async () => {
    for (const size of [0, 1, 1024, 9000, 60_001, payload.length]) {
      const bytes = payload.subarray(0, size);
      const { bench } = await makeArchive(policy, bytes);
      const before = readTree(bench.archive, "");
      const writer = new Collector();
      const report = await restoreTo(bench, writer);
      deepStrictEqual(writer.bytes(), bytes, `${size}`);
      deepStrictEqual(
        [report.complete, report.damage, report.holes, report.output],
        [true, [], [], "standard output"],
      );
      deepStrictEqual(readTree(bench.archive, ""), before);
    }
  });
}

Deno.test("restoreToStream() reads what is whole once, and no parity", async () => {
  const { bench: { archive }, folder } = await makeArchive("erasure:4+2");
  const faulty = new FaultyStore(archive, [{
    kind: "fail",
    path: /parity/,
    times: Infinity,
  }]);
  const writer = new Collector();
  await restoreTo(new Bench({ archive: faulty }), writer);
  deepStrictEqual(writer.bytes(), payload);
  ok(folder.length > 0 && faulty.unfired().length === 1, "parity is not read");
});

Deno.test("restoreToStream() rebuilds what is damaged, tells it like a restore, and writes nothing to the archive", async () => {
  const { bench, segments, folder } = await makeArchive("erasure:4+2");
  removeFile(bench.archive, segments[0]!);
  rotBytes(bench.archive, segments[1]!, 2000, 3000);
  cutFile(bench.archive, segments[6]!, 5);
  rotBytes(bench.archive, `${folder}/hashes/manifest.json`, 10, 3);
  writeFile(bench.archive, segments[9]!, payload); // overlong, and all of it wrong
  const before = readTree(bench.archive, "");
  const writer = new Collector();
  const report = await restoreTo(bench, writer);
  deepStrictEqual(writer.bytes(), payload);
  deepStrictEqual(readTree(bench.archive, ""), before);
  const { report: asFile } = await bench.restore("x");
  strictEqual(report.rebuiltLeafCount, asFile.rebuiltLeafCount);
  const byFile = (damage: typeof report.damage) =>
    damage.toSorted((a, b) => a.file < b.file ? -1 : 1);
  deepStrictEqual(byFile(report.damage), byFile(asFile.damage));
  ok(report.damage.length >= 5);
});

Deno.test("restoreToStream() ends before bytes that are lost, and gives zeros for them where that is asked for", async () => {
  const { bench, segments } = await makeArchive("erasure:4+1");
  // Two leaves of one row of the second block.
  rotBytes(bench.archive, segments[5]!, 3 * kib, 10);
  rotBytes(bench.archive, segments[6]!, 3 * kib, 10);
  const { bytes, report: asFile } = await bench.restore("x", { partial: true });
  ok(asFile.holes.length === 2);
  const cut = new Collector();
  await rejects(
    restoreTo(bench, cut),
    (error) =>
      isFailure(error, "damaged") &&
      new RegExp(
        `^Cannot restore "x" to standard output: 1024 bytes from byte ${
          asFile.holes[0]!.payloadOffset
        } on are lost for good; it ended after ${cut.byteCount} bytes$`,
      ).test(error.message),
  );
  ok(cut.byteCount <= asFile.holes[0]!.payloadOffset && cut.byteCount > 0);
  deepStrictEqual(cut.bytes(), payload.subarray(0, cut.byteCount));
  const whole = new Collector();
  const report = await restoreTo(bench, whole, true);
  deepStrictEqual(whole.bytes(), bytes);
  deepStrictEqual(report.holes, asFile.holes);
  strictEqual(report.complete, false);
});

Deno.test("restoreToStream() ends with what its writer throws, after what was written", async () => {
  const { bench } = await makeArchive("replicate:2");
  const error = new Error("nobody reads");
  const writer = new Collector(50_000, error);
  await rejects(restoreTo(bench, writer), (thrown) => thrown === error);
  ok(writer.byteCount > 0 && writer.byteCount <= 50_000);
  deepStrictEqual(writer.bytes(), payload.subarray(0, writer.byteCount));
});

Deno.test("restoreToStream() reads no further than its writer takes", async () => {
  const { bench } = await makeArchive("replicate:2");
  let writes = 0;
  let bytes = 0;
  const stop = new AbortController();
  const stuck = new Bench({ archive: bench.archive, signal: stop.signal });
  const running = stuck.engine.restoreToStream(stuck.engine.select("x"), {
    writer: {
      write: (source) => {
        bytes += source.length;
        writes++;
        return writes === 3 ? new Promise(() => {}) : Promise.resolve();
      },
    },
    label: "a pipe",
    partial: false,
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  strictEqual(writes, 3);
  const progress = stuck.events.flatMap((event) =>
    event.kind === "progress" ? [event.bytesDone] : []
  );
  ok(progress.at(-1)! <= bytes + 16 * kib, "one piece is read ahead");
  stop.abort();
  await rejects(running, (error) => isFailure(error, "interrupted"));
});

Deno.test("restoreToStream() gives right bytes or none when the nth read fails, for every n", async () => {
  const { bench: { archive } } = await makeArchive("erasure:4+2");
  let right = 0;
  for (let nth = 1;; nth++) {
    const faulty = new FaultyStore(archive, [{ kind: "fail", nth }]);
    const writer = new Collector();
    try {
      await restoreTo(new Bench({ archive: faulty }), writer);
      deepStrictEqual(writer.bytes(), payload, `call ${nth}`);
      right++;
    } catch (error) {
      ok(isFailure(error), `call ${nth}: ${error}`);
    }
    deepStrictEqual(
      writer.bytes(),
      payload.subarray(0, writer.byteCount),
      `call ${nth}`,
    );
    if (faulty.unfired().length > 0) break;
  }
  ok(right > 20, `${right} restored all the same`);
});

Deno.test("restoreToStream() of an archive that is pulled is offline, not damaged", async () => {
  const { bench: { archive } } = await makeArchive("erasure:4+2");
  const faulty = new FaultyStore(archive, [{
    kind: "fail",
    path: /segments/,
    nth: 10,
    times: Infinity,
    code: "offline",
  }]);
  const writer = new Collector();
  await rejects(
    restoreTo(new Bench({ archive: faulty }), writer),
    (error) => isFailure(error, "offline"),
  );
  deepStrictEqual(faulty.unfired(), []);
});

Deno.test("WindowStore keeps what is written within its window", () => {
  for (
    const [offset, bytes, seen] of [
      [8, 4, [0, 0, 0, 0]],
      [8, 5, [5, 0, 0, 0]],
      [10, 5, [3, 4, 5, 0]],
      [12, 5, [1, 2, 3, 4]],
      [13, 5, [0, 1, 2, 3]],
      [13, 2, [0, 1, 2, 0]],
      [16, 2, [0, 0, 0, 0]],
      [20, 2, [0, 0, 0, 0]],
    ] as const
  ) {
    const target = new Uint8Array(4);
    using file = new WindowStore(new MemoryStore(), 12, target)
      .openFile("any", "update");
    file.writeFrom(Uint8Array.from({ length: bytes }, (_, i) => i + 1), offset);
    deepStrictEqual([...target], seen, `${bytes} bytes at ${offset}`);
    throws(() => file.truncate(0), /a window is not cut/);
  }
});
