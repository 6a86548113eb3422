// TinyLfu: which of the things in a cache of fixed size make room for new ones: W-TinyLFU (Einziger,
// Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM ToS 2017). New keys wait
// in a small window; one that leaves it stays only if it was asked for more often than what it would
// replace, so that one long scan cannot wash out what is read again and again. Knows slots (numbers),
// not their content. A pinned slot is in use and never given away.

import { assert, present } from "../base/assert.ts";

/** The share of the window, and the share of the main part that is protected (the paper's values). */
const windowShare = 0.01;
const protectedShare = 0.8;

/** After so many accesses a slot all counts are halved: what was popular once is forgotten. */
const agingFactor = 10;

type Segment = "window" | "probation" | "protected";

interface Place {
  readonly slot: number;
  readonly key: number;
  segment: Segment;
  pinCount: number;
}

/** A cache's directory: keys to slots. */
export class TinyLfu {
  /** How many slots there are. */
  readonly slotCount: number;
  readonly #places = new Map<number, Place>();
  readonly #bySlot: (Place | undefined)[];
  // A Map iterates in order of insertion: deleting and setting again makes the last the newest.
  readonly #segments: Record<Segment, Map<number, Place>> = {
    window: new Map(),
    probation: new Map(),
    protected: new Map(),
  };
  readonly #windowMax: number;
  readonly #protectedMax: number;
  readonly #sketch: FrequencySketch;
  readonly #freed: number[] = [];
  #unusedSlots: number;

  /** A directory of `slotCount` empty slots. */
  constructor(slotCount: number) {
    assert(slotCount >= 4, "a cache has a few slots");
    this.slotCount = slotCount;
    this.#unusedSlots = slotCount;
    this.#bySlot = new Array(slotCount).fill(undefined);
    this.#windowMax = Math.max(1, Math.floor(slotCount * windowShare));
    this.#protectedMax = Math.floor(
      (slotCount - this.#windowMax) * protectedShare,
    );
    this.#sketch = new FrequencySketch(slotCount);
  }

  /** The slot of `key`, counted as an access; undefined when it is in none. */
  find(key: number): number | undefined {
    this.#sketch.count(key);
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    const { segment } = place;
    if (segment === "window" || segment === "protected") {
      this.#move(place, segment);
      return place.slot;
    }
    this.#move(place, "protected");
    const surplus = this.#segments.protected;
    if (surplus.size > this.#protectedMax) {
      this.#move(oldestOf(surplus), "probation");
    }
    return place.slot;
  }

  /** Whether `key` is in a slot; not counted. */
  has(key: number): boolean {
    return this.#places.has(key);
  }

  /**
   * Gives `key`, which is in none, a slot, pinned once; what was there is forgotten. Undefined when
   * all slots are pinned.
   */
  insert(key: number): number | undefined {
    assert(!this.#places.has(key), "a key has one slot");
    const free = this.#unusedSlots > 0
      ? --this.#unusedSlots
      : this.#freed.pop();
    const slot = free ?? this.#evict();
    if (slot === undefined) return undefined;
    const { window } = this.#segments;
    // With room left nobody has to compete.
    while (free !== undefined && window.size >= this.#windowMax) {
      const oldest = freeOf(window.values());
      if (oldest === undefined) break;
      this.#move(oldest, "probation");
    }
    const place: Place = { slot, key, segment: "window", pinCount: 1 };
    this.#places.set(key, place);
    this.#bySlot[slot] = place;
    window.set(key, place);
    return slot;
  }

  /** Forgets what is in `slot`, which nobody has pinned. */
  remove(slot: number): void {
    const place = present(this.#bySlot[slot], "a slot that is removed is used");
    assert(place.pinCount === 0, "nobody uses a slot that is removed");
    this.#forget(place);
    this.#freed.push(slot);
  }

  /** Keeps `slot` from being given away until it is unpinned as often. */
  pin(slot: number): void {
    present(this.#bySlot[slot], "a slot that is pinned is used").pinCount++;
  }

  /** Takes back one pin; gives how many are left. */
  unpin(slot: number): number {
    const place = present(this.#bySlot[slot], "a pinned slot is used");
    assert(place.pinCount > 0, "a slot is unpinned as often as it was pinned");
    return --place.pinCount;
  }

  #forget(place: Place): void {
    this.#places.delete(place.key);
    this.#bySlot[place.slot] = undefined;
    this.#segments[place.segment].delete(place.key);
  }

  #move(place: Place, segment: Segment): void {
    this.#segments[place.segment].delete(place.key);
    place.segment = segment;
    this.#segments[segment].set(place.key, place);
  }

  // The window's oldest competes with the main part's oldest: the one asked for less often goes, and
  // on a tie the newcomer. While all of the window is pinned (read-ahead), it grows instead, at the
  // expense of what was on probation longest.
  #evict(): number | undefined {
    const { window, probation, protected: kept } = this.#segments;
    const victim = freeOf(probation.values()) ?? freeOf(kept.values());
    const candidate = freeOf(window.values());
    const loser = victim === undefined || candidate === undefined
      ? victim ?? candidate
      : this.#sketch.estimate(candidate.key) >
          this.#sketch.estimate(victim.key)
      ? victim
      : candidate;
    if (loser === undefined) return undefined;
    if (loser === victim && candidate !== undefined) {
      this.#move(candidate, "probation");
    }
    this.#forget(loser);
    return loser.slot;
  }
}

function oldestOf(segment: Map<number, Place>): Place {
  return present(
    segment.values().next().value,
    "a segment that is full has an oldest",
  );
}

/** The oldest that is not pinned. */
function freeOf(places: Iterable<Place>): Place | undefined {
  for (const place of places) if (place.pinCount === 0) return place;
  return undefined;
}

/** Counts how often keys were seen, roughly: a count-min sketch of four rows, from 0 to 15. */
class FrequencySketch {
  readonly #counts: Uint8Array;
  readonly #mask: number;
  readonly #sampleMax: number;
  #sampleCount = 0;

  constructor(slotCount: number) {
    // Four counters a slot in each row keep two keys from sharing all of theirs.
    const width = 2 ** Math.ceil(Math.log2(Math.max(64, slotCount * 4)));
    this.#counts = new Uint8Array(width * 4);
    this.#mask = width - 1;
    this.#sampleMax = agingFactor * slotCount;
  }

  count(key: number): void {
    let added = false;
    for (let row = 0; row < 4; row++) {
      const index = this.#index(key, row);
      if (this.#counts[index]! >= 15) continue;
      this.#counts[index]!++;
      added = true;
    }
    if (added && ++this.#sampleCount >= this.#sampleMax) this.#age();
  }

  estimate(key: number): number {
    let least = 15;
    for (let row = 0; row < 4; row++) {
      least = Math.min(least, this.#counts[this.#index(key, row)]!);
    }
    return least;
  }

  #age(): void {
    for (let index = 0; index < this.#counts.length; index++) {
      this.#counts[index] = this.#counts[index]! >> 1;
    }
    this.#sampleCount >>= 1;
  }

  // Odd multipliers and shifts of MurmurHash3's finalizer, seeded by the row.
  #index(key: number, row: number): number {
    let hash = (key % 0x1_0000_0000) ^ Math.imul(row + 1, 0x9e3779b1) ^
      Math.imul(Math.floor(key / 0x1_0000_0000), 0x85ebca6b);
    hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
    hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
    hash ^= hash >>> 16;
    return row * (this.#mask + 1) + ((hash >>> 0) & this.#mask);
  }
}
