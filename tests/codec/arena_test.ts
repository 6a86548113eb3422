import {
  deepEqual as assertEquals,
  equal as assertSame,
  throws as assertThrows,
} from "node:assert/strict";
import { AssertionError } from "../../src/base/assert.ts";
import { Prng } from "../../src/base/prng.ts";
import { arenaBytesMax, assertLeased, lease } from "../../src/codec/arena.ts";
import { Codec, type Lease } from "../../src/codec/mod.ts";

Deno.test("lease() gives aligned runs that do not overlap", () => {
  const prng = new Prng(1);
  const held: { lease: Lease; mark: number }[] = [];
  for (let round = 0; round < 2000; round++) {
    if (held.length > 0 && prng.below(2) === 0) {
      const { lease, mark } = held.splice(prng.below(held.length), 1)[0]!;
      assertSame(
        lease.view().every((byte) => byte === mark),
        true,
        "somebody else wrote here",
      );
      lease[Symbol.dispose]();
    } else {
      const taken = lease(prng.below(5000));
      assertSame(taken.offset % 64, 0);
      taken.view().fill(round & 255);
      held.push({ lease: taken, mark: round & 255 });
    }
  }
  for (const { lease } of held) lease[Symbol.dispose]();
});

Deno.test("lease() takes given-back memory again, joined with its neighbours", () => {
  const first = lease(1000), second = lease(2000), third = lease(3000);
  using _barrier = lease(64);
  third[Symbol.dispose]();
  first[Symbol.dispose]();
  second[Symbol.dispose]();
  using again = lease(6000);
  assertSame(again.offset, first.offset);
});

Deno.test("lease() shrinks the arena when its end is given back", () => {
  const small = lease(64);
  const large = lease(1 << 20);
  const end = large.offset + large.bytes;
  large[Symbol.dispose]();
  assertThrows(() => assertLeased(end - 64, 64), AssertionError);
  small[Symbol.dispose]();
});

Deno.test("view() covers what was asked for, and only within the lease", () => {
  using run = lease(100);
  run.view().set(Uint8Array.from({ length: 100 }, (_, index) => index));
  assertSame(run.view().length, 100);
  assertEquals([...run.view(97)], [97, 98, 99]);
  assertEquals([...run.view(5, 2)], [5, 6]);
  assertSame(run.view(100).length, 0);
  for (
    const [from, length] of [[-1, 1], [0, 101], [101, 0], [50, 51], [
      3,
      -1,
    ]] as const
  ) {
    assertThrows(
      () => run.view(from, length),
      AssertionError,
      `${from} ${length}`,
    );
  }
});

Deno.test("view() of a lease that was given back is refused; a second dispose does nothing", () => {
  const run = lease(10);
  run[Symbol.dispose]();
  using other = lease(10);
  run[Symbol.dispose]();
  assertThrows(() => run.view(), AssertionError);
  other.view().fill(1);
  using third = lease(10);
  assertSame(
    third.offset === other.offset,
    false,
    "the second dispose gave back what others hold",
  );
});

Deno.test("view() is right after the memory grew", () => {
  using run = lease(64);
  run.view().fill(7);
  const stale = run.view();
  using _large = lease(32 << 20);
  assertSame(stale.length, 0, "the memory grew, so the old view is empty");
  assertSame(run.view().every((byte) => byte === 7), true);
});

Deno.test("lease() refuses more than the arena may hold", () => {
  const codec = Codec.open();
  for (const bytes of [arenaBytesMax + 64, 2 ** 40, -1, 0.5, NaN]) {
    assertThrows(() => codec.lease(bytes), AssertionError, `${bytes}`);
  }
  using half = codec.lease(arenaBytesMax / 2);
  assertThrows(() => codec.lease(arenaBytesMax / 2), AssertionError);
  assertSame(half.view(half.bytes - 1).length, 1);
});

Deno.test("open() is one codec per thread", () => {
  assertSame(Codec.open(), Codec.open());
});
