// Judge: what must be true of an archive that a crash or a fault has left, whatever it was. A second
// process lists it, verifies it, gives every entry back, and does the operation again.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { idOfStaging } from "../../src/format/entry_path.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { Bench } from "../archive/harness.ts";
import { isOfLock } from "./archive_files.ts";
import type { Run } from "./operation.ts";
import { benchNumbers, type Content, type Role, type World } from "./world.ts";

/** How an operation came to its end. */
export interface Verdict {
  /** Whether it said that all was done. */
  readonly isDone: boolean;
  /** Whether a byte that it wrote was stored wrong. */
  readonly mayBeDamaged?: boolean;
  /** Called before the operation is done again. */
  readonly beforeAgain?: () => void;
}

/** Fails unless these stores are as they may be found, and the operation can be done again. */
export async function judge(
  world: World,
  run: Run,
  stores: Readonly<Record<Role, MemoryStore>>,
  verdict: Verdict,
): Promise<void> {
  const { isDone, beforeAgain } = verdict;
  const isWell = (state: string) =>
    state === "healthy" ||
    (world.damaged || verdict.mayBeDamaged === true) && state === "repairable";
  const lookAt = { ...stores, outputs: new MemoryStore() };
  const look = world.open(lookAt, benchNumbers.look);
  run.expectAlways?.(stores);
  await expectEntries(world, look, isDone ? "done" : "found", isWell);
  beforeAgain?.();
  if (!isDone) {
    ok(
      await run.run(world.open(stores, benchNumbers.again)),
      "done when it is run again",
    );
    await expectEntries(world, look, "done", isWell);
    run.expectAlways?.(stores);
  }
  run.expectDone?.(stores);
}

async function expectEntries(
  world: World,
  bench: Bench,
  phase: "found" | "done",
  isWell: (state: string) => boolean,
): Promise<void> {
  const { kept, doomed, wanted, tolerated } = world;
  const { entries, problems } = bench.engine.list();
  deepStrictEqual(problems, [], `${phase}: no problems`);
  const open = new Set<Content>(wanted);
  const spare = new Set<Content>(tolerated);
  const seen = new Set<string>();
  for (const { id, name } of entries) {
    seen.add(id);
    let content = kept.get(id) ??
      (phase === "found" ? doomed.get(id) : undefined);
    if (content === undefined) {
      content = [...open, ...spare].find((each) => each.name === name);
      ok(content !== undefined, `${phase}: nobody asked for "${name}" (${id})`);
      if (!open.delete(content)) spare.delete(content);
    }
    strictEqual(name, content.name, phase);
    await content.expectFrom(bench, id);
  }
  for (const id of kept.keys()) ok(seen.has(id), `${phase}: ${id} is there`);
  if (phase === "done") strictEqual(open.size, 0, "all that was wanted");
  const reports = await bench.health(false);
  strictEqual(reports.length, entries.length, `${phase}: reports`);
  for (const { state, name } of reports) {
    ok(isWell(state), `${phase}: "${name}" is ${state}`);
  }
  expectNothingElse(bench, new Set(entries.map(({ folder }) => folder)), phase);
}

/** At the top lie entries, leftovers and locks, and nothing else. */
function expectNothingElse(
  bench: Bench,
  folders: ReadonlySet<string>,
  phase: string,
): void {
  for (const { name } of bench.archive.list("")) {
    ok(
      folders.has(name) || idOfStaging(name) !== undefined || isOfLock(name),
      `${phase}: "${name}" is an entry, a leftover or a lock`,
    );
  }
}
