import { strictEqual } from "node:assert/strict";
import { parseTimeSpan } from "../../src/base/calendar.ts";
import { planCleanup } from "../../src/format/cleanup.ts";
import { entryFolderPrefix, idOfStaging } from "../../src/format/entry_path.ts";

const hour = 3_600_000;
const nowMs = 1_000_000 * hour;

for (
  const [age, olderThan, verdict] of [
    [24 * hour, "1d", "remove"],
    [24 * hour - 1, "1d", "young"],
    [hour, "0h", "remove"],
    [hour - 1, "0h", "young"],
    [0, "1h", "young"],
    [-5 * hour, "1h", "young"],
    [undefined, "1h", "unknown"],
  ] as const
) {
  Deno.test(`planCleanup() of ${age} ms with ${olderThan} says ${verdict}`, () => {
    const newestMs = age === undefined ? undefined : nowMs - age;
    const span = parseTimeSpan(olderThan)!;
    strictEqual(planCleanup(newestMs, nowMs, span), verdict);
  });
}

for (
  const [folder, id] of [
    [".staging_0123456789abcdef", "0123456789abcdef"],
    [".staging_0123456789abcdef_removed", "0123456789abcdef"],
    [".staging_0123456789abcde", undefined],
    [".staging_0123456789ABCDEF", undefined],
    [".staging_0123456789abcdef_kept", undefined],
    [".staging_mine", undefined],
    ["x.staging_0123456789abcdef", undefined],
  ] as const
) {
  Deno.test(`idOfStaging() of ${folder} is ${id}`, () => {
    strictEqual(idOfStaging(folder), id);
  });
}

Deno.test("entryFolderPrefix() has the portable name", () => {
  strictEqual(entryFolderPrefix("a:b?"), "a_b__");
});
