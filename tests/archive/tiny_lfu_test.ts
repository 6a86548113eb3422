// W-TinyLFU as the reader's cache has it: finds what was put in, never gives a pinned slot away, and
// keeps what is read often through a scan that is larger than the cache.

import { equal, ok, throws } from "node:assert/strict";
import { TinyLfu } from "../../src/archive/tiny_lfu.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { Prng } from "../../src/base/prng.ts";

/** Reads a key as the cache does; gives whether it was there. */
function read(cache: TinyLfu, key: number): boolean {
  if (cache.find(key) !== undefined) return true;
  const slot = cache.insert(key);
  ok(slot !== undefined);
  cache.unpin(slot);
  return false;
}

Deno.test("insert() gives every key a slot of its own", () => {
  const cache = new TinyLfu(100);
  const slots = new Set<number>();
  for (let key = 0; key < 100; key++) {
    const slot = cache.insert(key);
    ok(slot !== undefined && slot >= 0 && slot < 100);
    slots.add(slot);
    cache.unpin(slot);
  }
  equal(slots.size, 100);
  for (let key = 0; key < 100; key++) ok(cache.has(key), `${key} is there`);
});

Deno.test("find() gives the slot that insert() gave, until it is given away", () => {
  const cache = new TinyLfu(16);
  const places = new Map<number, number>();
  const chance = new Prng(7);
  for (let step = 0; step < 5000; step++) {
    const key = chance.below(40);
    const slot = cache.find(key);
    if (slot !== undefined) {
      equal(places.get(key), slot);
      continue;
    }
    const added = cache.insert(key);
    ok(added !== undefined);
    for (const [other, where] of places) {
      if (where === added) places.delete(other);
    }
    places.set(key, added);
    cache.unpin(added);
  }
  ok(places.size <= 16);
});

Deno.test("insert() takes no slot that is pinned, and gives none when all are", () => {
  const cache = new TinyLfu(8);
  const pinned = Array.from({ length: 8 }, (_, key) => cache.insert(key));
  equal(new Set(pinned).size, 8);
  equal(cache.insert(100), undefined);
  cache.unpin(pinned[3]!);
  equal(cache.insert(101), pinned[3]);
  equal(cache.insert(102), undefined);
  for (const key of [0, 1, 2, 4, 5, 6, 7, 101]) ok(cache.has(key));
});

Deno.test("remove() frees a slot for the next key, and refuses a pinned one", () => {
  const cache = new TinyLfu(4);
  const slot = cache.insert(1)!;
  throws(() => cache.remove(slot), AssertionError);
  cache.unpin(slot);
  cache.remove(slot);
  equal(cache.has(1), false);
  equal(cache.find(1), undefined);
  for (let key = 10; key < 14; key++) ok(cache.insert(key) !== undefined);
});

Deno.test("a long scan does not wash out what is read again and again", () => {
  const cache = new TinyLfu(200);
  const popular = Array.from({ length: 100 }, (_, key) => key);
  for (let round = 0; round < 5; round++) {
    for (const key of popular) read(cache, key);
  }
  for (let key = 10_000; key < 12_000; key++) read(cache, key);
  const left = popular.filter((key) => cache.has(key)).length;
  // An LRU of this size has none of them left.
  ok(left >= 90, `${left} of 100 popular keys outlived the scan`);
});

Deno.test("what was popular long ago makes room at last", () => {
  const cache = new TinyLfu(100);
  for (let round = 0; round < 10; round++) {
    for (let key = 0; key < 90; key++) read(cache, key);
  }
  for (let round = 0; round < 60; round++) {
    for (let key = 1000; key < 1090; key++) read(cache, key);
  }
  let hits = 0;
  for (let key = 1000; key < 1090; key++) if (cache.has(key)) hits++;
  ok(hits >= 80, `${hits} of 90 new favourites are in the cache`);
});
