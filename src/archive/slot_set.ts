// SlotSet: a set of slots of an outboard, one bit each: what can be said of every leaf of an entry
// in memory that does not grow with the damage.

/** Slots from 0 to a count that is known from the start. */
export class SlotSet {
  readonly #bits: Uint8Array;
  /** Slots in the set. */
  size = 0;

  /** An empty set of slots below `slotCount`. */
  constructor(slotCount: number) {
    this.#bits = new Uint8Array(Math.ceil(slotCount / 8));
  }

  /** Whether the slot is in the set. */
  has(slot: number): boolean {
    return (this.#bits[slot >>> 3]! >> (slot & 7) & 1) === 1;
  }

  /** Puts the slot in; whether it was not in it. */
  add(slot: number): boolean {
    if (this.has(slot)) return false;
    this.#bits[slot >>> 3]! |= 1 << (slot & 7);
    this.size++;
    return true;
  }

  /** Takes the slot out; whether it was in it. */
  delete(slot: number): boolean {
    if (!this.has(slot)) return false;
    this.#bits[slot >>> 3]! &= ~(1 << (slot & 7));
    this.size--;
    return true;
  }

  /** The slots of the set from `first` to before `end`, in order. */
  *between(first: number, end: number): Generator<number> {
    for (let slot = first; slot < end; slot++) {
      if ((slot & 7) === 0 && this.#bits[slot >>> 3] === 0) slot += 7;
      else if (this.has(slot)) yield slot;
    }
  }
}
