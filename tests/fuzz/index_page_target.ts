// Index page target: pages of the index whose digest is right and whose content somebody made up.

import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  decodeIndexPage,
  encodeIndexPage,
  type IndexedEntry,
} from "../../src/archive/index_page.ts";
import { type Bytes, encodeUtf8, joinBytes } from "../../src/base/bytes.ts";
import { digestBytes, indexPageEntriesMax } from "../../src/base/limits.ts";
import { entryOf } from "../cli/fakes.ts";
import { byteMutations, mutateBytes } from "./byte_mutation.ts";
import { jsonMutations, mutateJson } from "./json_mutation.ts";
import { openLaw, type Target } from "./target.ts";

/** All bytes have this digest, so that what lies behind it is reached. */
const digest = (): Bytes => new Uint8Array(digestBytes);

const entries: readonly IndexedEntry[] = ["a", "b", "c"].map((name, index) => ({
  summary: entryOf({
    name,
    folder: `${name}_00112233445566ff`,
    ...(index === 1 ? { mode: "0644" } : {}),
  }),
  manifestBytes: 900 + index,
  manifestMs: -1,
}));
const sample = encodeIndexPage(entries, digest);
const document = JSON.parse(
  new TextDecoder().decode(sample.subarray(digestBytes)),
);

const page: fc.Arbitrary<Bytes> = fc.oneof(
  jsonMutations.map((mutations) => {
    const text = JSON.stringify(mutateJson(document, mutations)) ?? "";
    return joinBytes([digest(), encodeUtf8(text)]);
  }),
  byteMutations.map((mutations) => mutateBytes(sample, mutations)),
);

/** The target. */
export const indexPageTarget: Target = {
  name: "index page",
  weight: 10,
  cases: 1500,
  open: () => Promise.resolve(openLaw(fc.property(page, judge))),
};

function judge(bytes: Bytes): void {
  const decoded = decodeIndexPage(bytes, digest);
  if (decoded === undefined) return;
  ok(decoded.length >= 1 && decoded.length <= indexPageEntriesMax);
  for (const { summary, manifestBytes, manifestMs } of decoded) {
    ok(Number.isSafeInteger(manifestBytes) && Number.isFinite(manifestMs));
    for (const text of [summary.name, summary.folder, summary.root]) {
      ok(typeof text === "string");
    }
    for (const count of [summary.payloadBytes, summary.segmentCount]) {
      ok(Number.isSafeInteger(count) && count >= 0);
    }
  }
  const again = decodeIndexPage(encodeIndexPage(decoded, digest), digest);
  deepStrictEqual(again, decoded);
}
