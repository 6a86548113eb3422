// Recent: maps whose order says what was used last, for small caches of large things.

/** Makes what was used the last in its map. */
export function touch<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
}

/** Forgets what was used least recently until the rest, or one, weighs at most `weightMax`. */
export function trim<T>(
  map: Map<string, T>,
  weightMax: number,
  weightOf: (value: T) => number,
): void {
  let weight = 0;
  for (const value of map.values()) weight += weightOf(value);
  for (const [key, value] of map) {
    if (weight <= weightMax || map.size === 1) return;
    weight -= weightOf(value);
    map.delete(key);
  }
}
