import { strictEqual } from "node:assert/strict";
import { parseTimeSpan } from "../../src/base/calendar.ts";
import { planCleanup } from "../../src/format/cleanup.ts";
import { entryFolderPrefix, idOfStaging } from "../../src/format/entry_path.ts";

const hour = 3_600_000;
const nowMs = 1_000_000 * hour;

for (
  const [age, olderThan, isIdle, verdict] of [
    [24 * hour, "1d", false, "remove"],
    [24 * hour - 1, "1d", false, "young"],
    [24 * hour, "1d", true, "remove"],
    [24 * hour - 1, "1d", true, "young"],
    [hour, "0h", false, "remove"],
    [hour - 1, "0h", false, "young"],
    [0, "0h", true, "remove"],
    [0, "1h", true, "young"],
    [0, "1h", false, "young"],
    [-5 * hour, "1h", true, "young"],
    [undefined, "1h", true, "unknown"],
  ] as const
) {
  const where = isIdle ? "idle" : "busy";
  Deno.test(`planCleanup() of ${age} ms with ${olderThan}, ${where}, says ${verdict}`, () => {
    const newestMs = age === undefined ? undefined : nowMs - age;
    const rule = { olderThan: parseTimeSpan(olderThan)!, isIdle };
    strictEqual(planCleanup(newestMs, nowMs, rule), verdict);
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
