// JSON mutations: changes of single members that leave the rest of a document as it was, so that a
// decoder gets as far as it can be got.

import fc from "fast-check";

/** One change of a JSON document. `at` picks one of its values, all of them in one order. */
export type JsonMutation =
  | { readonly how: "replace"; readonly at: number; readonly value: unknown }
  | { readonly how: "remove"; readonly at: number }
  | { readonly how: "copy"; readonly at: number; readonly from: number }
  | { readonly how: "add"; readonly at: number; readonly key: string }
  | { readonly how: "nudge"; readonly at: number; readonly by: number };

const oddNumbers = [
  -0,
  -1,
  0,
  0.5,
  1,
  2,
  255,
  256,
  257,
  1023,
  1024,
  4096,
  65_536,
  131_072,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  1e300,
];

const oddTexts = [
  "",
  ".",
  "..",
  "../../etc/passwd",
  "/etc/passwd",
  "a/../../b",
  "C:\\x",
  "nul",
  "a\0b",
  "\n",
  "\u202e",
  "\ud800",
  "ü".repeat(200),
  "x".repeat(100_000),
  "erasure:1+3",
  "erasure:1+255",
  "erasure:255+1",
  "erasure:128+128",
  "erasure:256+0",
  "erasure:0+1",
  "erasure:01+1",
  "replicate:1",
  "replicate:256",
  "replicate:0",
  "0".repeat(64),
  "f".repeat(64),
  "0".repeat(16),
  "2026-11-21T12:00:00.000Z",
  "2026-99-99T99:99:99Z",
  "0000-01-01T00:00:00.000000000Z",
  "7777",
  "99999",
];

/** Keys that objects have without having them. */
export const oddKeys: readonly string[] = [
  "__proto__",
  "constructor",
  "toString",
  "",
  "0",
  "files",
  "x",
];

/** Values that decoders stumble over. */
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], [{}]),
  fc.constantFrom(...oddNumbers),
  fc.constantFrom(...oddTexts),
  fc.constantFrom(1, 5, 300).map(nest),
  fc.maxSafeInteger(),
  fc.string(),
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(10, 5000).map((count) => new Array(count).fill("")),
);

const place = fc.nat(1_000_000);

/** One change. */
export const jsonMutation: fc.Arbitrary<JsonMutation> = fc.oneof(
  fc.record({
    how: fc.constant("replace" as const),
    at: place,
    value: oddValue,
  }),
  fc.record({ how: fc.constant("remove" as const), at: place }),
  fc.record({ how: fc.constant("copy" as const), at: place, from: place }),
  fc.record({
    how: fc.constant("add" as const),
    at: place,
    key: fc.constantFrom(...oddKeys),
  }),
  fc.record({
    how: fc.constant("nudge" as const),
    at: place,
    by: fc.integer({ min: -3, max: 3 }),
  }),
);

/** Some changes; few, so that most of the document stays right. */
export const jsonMutations: fc.Arbitrary<JsonMutation[]> = fc.array(
  jsonMutation,
  { minLength: 1, maxLength: 3 },
);

type Holder = Record<string, unknown> | unknown[];

/** A copy of `document` with all changes. */
export function mutateJson(
  document: unknown,
  mutations: readonly JsonMutation[],
): unknown {
  const root = { "": structuredClone(document) };
  for (const mutation of mutations) mutateOnce(root, mutation);
  return root[""];
}

function mutateOnce(root: Holder, mutation: JsonMutation): void {
  const places = [...placesIn(root)];
  if (places.length === 0) return; // an earlier change removed the whole document
  const [holder, key] = places[mutation.at % places.length]!;
  const value = (holder as Record<string, unknown>)[key];
  switch (mutation.how) {
    case "replace":
      return put(holder, key, structuredClone(mutation.value));
    case "remove":
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    case "copy": {
      const [from, name] = places[mutation.from % places.length]!;
      const copied = (from as Record<string, unknown>)[name];
      return put(holder, key, structuredClone(copied));
    }
    case "add":
      if (Array.isArray(value)) value.push(structuredClone(value[0] ?? 0));
      else if (typeof value === "object" && value !== null) {
        put(value as Holder, mutation.key, 1);
      }
      return;
    case "nudge":
      if (typeof value === "number") put(holder, key, value + mutation.by);
      if (typeof value === "string") {
        put(
          holder,
          key,
          mutation.by < 0
            ? value.slice(0, mutation.by)
            : value + "0".repeat(mutation.by),
        );
      }
      return;
  }
}

// A plain assignment to "__proto__" would change the prototype instead of making a member.
function put(holder: Holder, key: string, value: unknown): void {
  Object.defineProperty(holder, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** All values of a document, by what holds them and the key there; the whole document first. */
function* placesIn(
  holder: Holder,
  depth = 0,
): Generator<[Holder, string]> {
  for (const [key, value] of Object.entries(holder)) {
    yield [holder, key];
    const isHolder = typeof value === "object" && value !== null;
    // The list of thousands of digests is one place and a few.
    if (isHolder && depth < 20 && Object.keys(value).length < 100) {
      yield* placesIn(value as Holder, depth + 1);
    }
  }
}

function nest(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}
