// Locks: who gets one, who waits, and what is said of those that a dead process left.

import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { lockBeatMs, lockStaleMs } from "../../src/base/limits.ts";
import type { EngineContext, LockSettings } from "../../src/archive/context.ts";
import { Engine } from "../../src/archive/engine.ts";
import { type HeldLock, Locks } from "../../src/archive/lock.ts";
import type { ArchiveEvent } from "../../src/archive/report.ts";
import {
  encodeLockRecord,
  type LockRecord,
  parseLockRecord,
} from "../../src/format/lock_record.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import type { LockAttempt, Store } from "../../src/store/store.ts";
import { Bench, readFile, writeFile } from "./harness.ts";

const path = ".lock_writer";

const dead: LockRecord = {
  command: "commit",
  pid: 4711,
  host: "here",
  since: "2026-01-01T00:00:00.000Z",
  instance: "dead",
  advisory: true,
  beat: 7,
};

/** A process with a clock that only goes on while it pauses. */
class Side {
  readonly events: ArchiveEvent[] = [];
  readonly locks: Locks;
  readonly context: EngineContext;
  nowMs = 1_000_000;
  /** What happens in the world during a pause. */
  onPause: (nowMs: number) => void | Promise<void> = () => {};

  constructor(archive: Store, settings: Partial<LockSettings> = {}) {
    const bench = new Bench({ archive });
    this.context = {
      ...bench.context,
      clock: { nowMs: () => this.nowMs, monotonicMs: () => this.nowMs },
      emit: (event) => this.events.push(event),
      locking: {
        pid: 1,
        host: "here",
        instance: crypto.randomUUID(),
        waitMs: 0,
        pause: async (ms) => {
          this.nowMs += ms;
          await this.onPause(this.nowMs);
        },
        ...settings,
      },
    };
    this.locks = new Locks(this.context);
  }

  get said(): string[] {
    return this.events.map((event) =>
      "message" in event ? `${event.kind}: ${event.message}` : event.kind
    );
  }
}

/** A store whose locks reach nobody, or of which there are none. */
function without(inner: Store, kind: "local" | "unsupported"): Store {
  const openLockFile = (path: string): LockAttempt => {
    const created = inner.stat(path) === undefined;
    const file = inner.openFile(path, "ensure");
    return {
      kind: kind === "local" ? "held" : "unsupported",
      file,
      created,
      writable: true,
    };
  };
  return new Proxy(inner, {
    get: (target, name) => {
      if (name === "openLockFile") return openLockFile;
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

Deno.test("take() gives the lock to one at a time and leaves nothing behind", async () => {
  const store = new MemoryStore();
  const left = new Side(store), right = new Side(store);
  {
    using lock = await left.locks.take("writer", "commit");
    strictEqual(lock.isSure, true);
    strictEqual(left.locks.isFree("writer"), false);
    strictEqual(right.locks.isFree("writer"), false);
    await rejects(
      right.locks.take("writer", "prune"),
      (error) =>
        isFailure(error, "locked") &&
        error.message ===
          "Cannot write to the archive: commit (process 1 on here, since " +
            "1970-01-01 00:16:40 UTC) is still at work in it",
    );
    using _other = await right.locks.take("repair", "health");
  }
  deepStrictEqual(store.list(""), []);
  using lock = await right.locks.take("writer", "prune");
  strictEqual(lock.isSure, true);
  deepStrictEqual([...left.said, ...right.said], []);
});

Deno.test("take() waits for the holder, says so once, and has the lock as soon as it is free", async () => {
  const store = new MemoryStore();
  const left = new Side(store, { pid: 77 });
  const right = new Side(store, { waitMs: 5_000 });
  const lock = await left.locks.take("writer", "commit");
  const until = right.nowMs + 3_000;
  right.onPause = (nowMs) => {
    if (nowMs >= until) lock[Symbol.dispose]();
  };
  using _lock = await right.locks.take("writer", "remove");
  ok(right.nowMs < until + 500, `${right.nowMs - until} ms late`);
  deepStrictEqual(right.said, [
    "waiting: Waiting for commit (process 77 on here, since 1970-01-01 00:16:40 UTC) to finish",
  ]);
});

Deno.test("take() gives up after its patience, and has none left for the next file", async () => {
  const store = new MemoryStore();
  using _lock = await new Side(store).locks.take("writer", "commit");
  const side = new Side(store, { waitMs: 5_000 });
  const startMs = side.nowMs;
  await rejects(
    side.locks.take("writer", "commit"),
    (error) => isFailure(error, "locked") && / after 5 s$/.test(error.message),
  );
  const waitedMs = side.nowMs - startMs;
  ok(waitedMs >= 5_000 && waitedMs < 5_500, `${waitedMs}`);
  await rejects(
    side.locks.take("writer", "commit"),
    (error) => isFailure(error, "locked"),
  );
  ok(side.nowMs - startMs - waitedMs < 200);
});

Deno.test("a free lock is had at once, also where the file system has none", async () => {
  for (const kind of ["local", "unsupported"] as const) {
    const inner = new MemoryStore();
    const side = new Side(without(inner, kind));
    const startMs = side.nowMs;
    for (let time = 0; time < 3; time++) {
      using lock = await side.locks.take("writer", "commit");
      strictEqual(lock.isSure, true);
    }
    deepStrictEqual([side.nowMs - startMs, side.said], [0, []], kind);
    deepStrictEqual(inner.list(""), []);
  }
});

Deno.test("take() stops waiting when it is told to stop", async () => {
  const store = new MemoryStore();
  using _lock = await new Side(store).locks.take("writer", "commit");
  const side = new Side(store, { waitMs: 5_000 });
  const stop = new AbortController();
  const locks = new Locks({ ...side.context, signal: stop.signal });
  side.onPause = () => stop.abort();
  await rejects(
    locks.take("writer", "commit"),
    (error) => isFailure(error, "interrupted"),
  );
});

Deno.test("take() takes over at once what a dead process of this machine left, and says whose it was", async () => {
  const store = new MemoryStore();
  writeFile(store, path, encodeLockRecord(dead));
  const side = new Side(store);
  strictEqual(side.locks.isFree("writer"), true);
  const startMs = side.nowMs;
  {
    using lock = await side.locks.take("writer", "commit");
    strictEqual(lock.isSure, true);
    strictEqual(parseLockRecord(readFile(store, path))?.pid, 1);
  }
  strictEqual(side.nowMs, startMs);
  deepStrictEqual(side.said, [
    "warning: The lock of commit (process 4711 on here, since 2026-01-01 00:00:00 UTC) was " +
    "left by a process that is gone; taking it over",
  ]);
  using _lock = await side.locks.take("writer", "commit");
  strictEqual(side.said.length, 1, "it is said once");
});

Deno.test("take() makes nothing of a lock file that says nothing", async () => {
  for (
    const content of [
      new Uint8Array(0),
      new Uint8Array(512),
      new Uint8Array(9999).fill(65),
    ]
  ) {
    const store = new MemoryStore();
    writeFile(store, path, content);
    const side = new Side(store);
    {
      using _lock = await side.locks.take("writer", "commit");
      deepStrictEqual(side.said, []);
    }
    deepStrictEqual(store.list(""), []);
  }
});

const doubtful = [
  {
    what: "another machine's",
    kind: "local",
    record: { ...dead, host: "there" },
  },
  { what: "a nameless machine's", kind: "local", record: nameless(dead) },
  {
    what: "one without the system's lock",
    kind: "local",
    record: { ...dead, advisory: false },
  },
  { what: "one where there are no locks", kind: "unsupported", record: dead },
] as const;

for (const { what, kind, record } of doubtful) {
  Deno.test(`take() watches ${what} until it is stale, whatever the patience`, async () => {
    const store = without(new MemoryStore(), kind);
    writeFile(store, path, encodeLockRecord(record));
    const side = new Side(store, { waitMs: 0 });
    strictEqual(side.locks.isFree("writer"), false);
    const startMs = side.nowMs;
    using _lock = await side.locks.take("writer", "commit");
    ok(side.nowMs - startMs >= lockStaleMs, "it was given its time");
    match(side.said.at(-1)!, /left by a process that is gone/);
  });

  Deno.test(`take() never takes ${what} that beats`, async () => {
    const store = without(new MemoryStore(), kind);
    writeFile(store, path, encodeLockRecord(record));
    const side = new Side(store, { waitMs: 60_000 });
    let beat = record.beat, nextMs = side.nowMs + lockBeatMs;
    side.onPause = (nowMs) => {
      if (nowMs < nextMs) return;
      // Late by several beats, too.
      nextMs += beat % 3 === 0 ? lockStaleMs - 500 : lockBeatMs;
      beat++;
      writeFile(store, path, encodeLockRecord({ ...record, beat }));
    };
    await rejects(
      side.locks.take("writer", "commit"),
      (error) => isFailure(error, "locked"),
    );
    ok(beat > record.beat + 5);
    strictEqual(parseLockRecord(readFile(store, path))?.instance, "dead");
  });
}

Deno.test("of several who find a stale lock where there are none of the system, one at a time has it", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const chance = new Prng(seed);
    const world = new World();
    const store = without(new MemoryStore(), "unsupported");
    writeFile(store, path, encodeLockRecord(dead));
    let heldCount = 0, most = 0, times = 0;
    const work = async () => {
      const side = new Side(store, {
        waitMs: 600_000,
        pause: (ms) => world.pause(ms),
      });
      const clock = {
        nowMs: () => world.nowMs,
        monotonicMs: () => world.nowMs,
      };
      const locks = new Locks({ ...side.context, clock });
      await world.pause(chance.below(2_000));
      const lock = await locks.take("writer", "commit");
      most = Math.max(most, ++heldCount);
      times++;
      // Shorter than what makes a holder stale that does not beat, as none does here.
      await world.pause(chance.below(lockStaleMs / 2));
      heldCount--;
      lock[Symbol.dispose]();
    };
    await world.run([work(), work(), work(), work()]);
    deepStrictEqual([most, times, store.list("")], [1, 4, []], `seed ${seed}`);
  }
});

/** A time that several processes share: it jumps to whoever wakes next. */
class World {
  nowMs = 0;
  #sleepers: { atMs: number; wake: () => void }[] = [];

  pause(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ atMs: this.nowMs + ms, wake });
    });
  }

  async run(all: readonly Promise<void>[]): Promise<void> {
    let ended = false;
    const end = Promise.all(all).finally(() => ended = true);
    while (!ended) {
      // Everybody who is awake goes on until they sleep again.
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      this.#sleepers.sort((left, right) => left.atMs - right.atMs);
      const next = this.#sleepers.shift();
      if (next === undefined) continue;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.wake();
    }
    await end;
  }
}

Deno.test("the holder beats, and says when another took its lock", async () => {
  const timers = fakeInterval();
  try {
    const store = new MemoryStore();
    const side = new Side(store);
    const lock = await side.locks.take("writer", "commit");
    const first = parseLockRecord(readFile(store, path));
    timers.tick();
    timers.tick();
    const third = parseLockRecord(readFile(store, path));
    deepStrictEqual(third, { ...first, beat: 2 });
    writeFile(store, path, encodeLockRecord({ ...dead, instance: "thief" }));
    timers.tick();
    match(
      side.said[0]!,
      /^warning: Another command took the archive's lock over/,
    );
    strictEqual(timers.running, 0, "it does not beat any more");
    lock[Symbol.dispose]();
    const { instance } = parseLockRecord(readFile(store, path))!;
    strictEqual(instance, "thief", "another's lock is not removed");
    strictEqual(side.said.length, 1);
  } finally {
    timers.restore();
  }
});

Deno.test("a lock goes with its process, whatever ends it", async () => {
  const disk = new SimulatedDisk();
  const lock = await new Side(disk).locks.take("writer", "commit");
  disk.stopAfter(1);
  strictEqual(new Side(disk.crash("keeping")).locks.isFree("writer"), true);
  strictEqual(new Side(disk.crash("losing")).locks.isFree("writer"), true);
  disk.resume();
  const side = new Side(disk);
  using _next = await side.locks.take("writer", "prune");
  strictEqual(side.said.length, 1);
  lock[Symbol.dispose]();
});

Deno.test("without room for a word the lock holds all the same", async () => {
  const store = new MemoryStore({ capacityBytes: 100 });
  const side = new Side(store);
  const lock = await side.locks.take("writer", "remove");
  deepStrictEqual([lock.isSure, store.freeBytes(), side.said], [true, 100, []]);
  await rejects(
    new Side(store).locks.take("writer", "commit"),
    (error) =>
      isFailure(error, "locked") && / another command is /.test(error.message),
  );
  lock[Symbol.dispose]();
  deepStrictEqual(store.list(""), []);
});

for (
  const { code, words } of [
    { code: "no-space", words: 1 },
    { code: "io", words: 1 },
    { code: "unsafe-path", words: 1 },
    { code: "read-only", words: 0 },
    { code: "permission-denied", words: 0 },
  ] as const
) {
  Deno.test(`where the lock file cannot be made (${code}), commands go on without`, async () => {
    const fault = {
      kind: "fail",
      call: "openLockFile",
      times: Infinity,
      code,
    } as const;
    const store = new FaultyStore(new MemoryStore(), [fault]);
    const side = new Side(store);
    using lock = await side.locks.take("writer", "remove");
    deepStrictEqual([lock.isSure, side.said.length], [false, words]);
    strictEqual(side.locks.isFree("writer"), true, "nothing is there");
  });
}

Deno.test("a disk that is gone is no reason to go on", async () => {
  const fault = { kind: "fail", times: Infinity, code: "offline" } as const;
  const side = new Side(new FaultyStore(new MemoryStore(), [fault]));
  await rejects(
    side.locks.take("writer", "remove"),
    (error) => isFailure(error, "offline"),
  );
  strictEqual(fault.code, "offline");
});

Deno.test("writers exclude each other, a repair and a writer do not, and readers ask nobody", async () => {
  const store = new MemoryStore();
  const bench = new Bench({ archive: store });
  await bench.commit("x", new Uint8Array(9));
  const entry = bench.engine.show("x");
  const { id } = entry;
  const side = new Side(store);
  const engine = new Engine(side.context);
  const health = async (repair: boolean) => {
    for await (const { state } of engine.health({ repair })) return state;
    return "none";
  };
  const isLocked = (error: unknown) => isFailure(error, "locked");
  {
    using _lock: HeldLock = await new Side(store).locks.take(
      "writer",
      "commit",
    );
    await rejects(engine.remove(id), isLocked);
    await rejects(engine.removeEach([entry]).next(), isLocked);
    const none = { years: 0, months: 0, days: 0, hours: 0 };
    const leftover = { folder: `.staging_${id}`, bytes: 0, fileCount: 0 };
    await rejects(engine.cleanUp([leftover], none).next(), isLocked);
    const source = { root: "sources", path: "source" };
    const request = { source, sourceLabel: "source", name: "y" };
    await rejects(engine.commit(request), isLocked);
    const legacy = { root: "sources", dryRun: false };
    await rejects(
      engine.import(legacy)[Symbol.asyncIterator]().next(),
      isLocked,
    );
    strictEqual(await health(true), "healthy");
    strictEqual(engine.list().entries.length, 1);
  }
  {
    using _lock: HeldLock = await new Side(store).locks.take(
      "repair",
      "health",
    );
    await rejects(health(true), isLocked);
    strictEqual(await health(false), "healthy");
    strictEqual((await engine.remove(id)).id, id);
  }
  deepStrictEqual(store.list(""), []);
});

function nameless({ host: _host, ...rest }: LockRecord): LockRecord {
  return rest;
}

/** Intervals that pass when a test says so. */
function fakeInterval() {
  const { setInterval, clearInterval } = globalThis;
  const running = new Map<number, () => void>();
  let nextId = 1;
  globalThis.setInterval = ((call: () => void) => {
    running.set(nextId, call);
    return nextId++;
  }) as unknown as typeof setInterval;
  globalThis.clearInterval = ((id: number) => {
    running.delete(id);
  }) as unknown as typeof clearInterval;
  return {
    get running() {
      return running.size;
    },
    tick: () => {
      for (const call of [...running.values()]) call();
    },
    restore: () => {
      globalThis.setInterval = setInterval;
      globalThis.clearInterval = clearInterval;
    },
  };
}
