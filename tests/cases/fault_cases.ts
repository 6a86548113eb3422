// Fault cases: the nth call fails in one of many ways, reads come back short, writes tear or store
// another byte, sectors rot or cannot be read, and the disk fills up at every size that it reaches.

import { ok } from "node:assert/strict";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Fault } from "../../src/store/fault_plan.ts";
import { FaultyTreeStore } from "../../src/store/faulty_tree_store.ts";
import { judge } from "./judge.ts";
import {
  attempt,
  isWanted,
  judgeOnce,
  type Stage,
  storesWith,
  tryCase,
} from "./stage.ts";
import type { Role } from "./world.ts";

type Plan = (nth: number, prng: Prng) => Fault;

/** Ways in which the nth call goes wrong, by kind and variant. */
const plans: Readonly<Record<string, Readonly<Record<string, Plan>>>> = {
  fail: {
    "io": (nth) => ({ kind: "fail", nth, code: "io" }),
    "no-space": (nth) => ({ kind: "fail", nth, code: "no-space" }),
    "permission": (nth) => ({ kind: "fail", nth, code: "permission-denied" }),
    "read-only": (nth) => ({ kind: "fail", nth, code: "read-only" }),
    "offline": (nth) => ({ kind: "fail", nth, code: "offline" }),
    "late": (nth) => ({ kind: "fail", nth, code: "io", late: true }),
    "dead": (nth) => ({ kind: "fail", nth, code: "io", times: Infinity }),
    "gone": (nth) => ({ kind: "fail", nth, code: "offline", times: Infinity }),
  },
  read: {
    "short": (nth, prng) => ({
      kind: "short-read",
      nth,
      bytes: prng.below(64),
    }),
  },
  write: {
    "torn": (nth, prng) => ({ kind: "torn-write", nth, bytes: prng.below(64) }),
    "flipped": (nth, prng) => ({
      kind: "flipped-write",
      nth,
      index: prng.below(16),
      mask: 1 << prng.below(8),
    }),
  },
};

/** Every fault of every kind. */
export async function runFaults(stage: Stage): Promise<void> {
  for (const role of stage.operation.fails) {
    for (const [kind, variants] of Object.entries(plans)) {
      if (!isWanted(stage, kind)) continue;
      for (const variant of Object.keys(variants)) {
        await runPlan(stage, role, kind, variant);
      }
    }
  }
  if (isWanted(stage, "sector")) await runSectors(stage);
  if (isWanted(stage, "full")) await runFullDisks(stage);
}

/** One way to go wrong, at the first call, the second, and so on to the last. */
async function runPlan(
  stage: Stage,
  role: Role,
  kind: string,
  variant: string,
): Promise<void> {
  if (variant === "flipped" && !canFlip(stage, role)) return;
  const { world } = stage;
  for (let nth = 1, fired = true; fired; nth++) {
    if (stage.only !== undefined && stage.only.nth < nth) return;
    if (!isWanted(stage, kind, nth)) continue;
    const name = { kind, nth, variant: `${role} ${variant}` };
    await tryCase(stage, name, async () => {
      const inner = world[role].clone();
      const fault = plans[kind]![variant]!(nth, new Prng(nth));
      const faulty = new FaultyTreeStore(inner, [fault]);
      const stores = storesWith(world, role, inner);
      const faultyStores = { ...stores, [role]: faulty };
      const { isDone, error } = await attempt(stage, faultyStores);
      fired = faulty.unfired().length === 0;
      if (!fired) return false;
      if (variant === "gone") expectOffline(isDone, error);
      await judgeOnce(stage, stores, {
        isDone,
        mayBeDamaged: variant === "flipped",
      });
      return true;
    });
  }
}

/** A byte stored wrong is met later by its digest, where there is parity; not in a restored file. */
function canFlip({ world }: Stage, role: Role): boolean {
  return role === "archive" && world.shape.parityShards > 0 && !world.damaged;
}

/** A disk that is gone is never taken for a damaged one. */
function expectOffline(isDone: boolean, error: unknown): void {
  ok(
    isDone || isFailure(error, "offline"),
    `a disk that is gone is "offline", not ${error}`,
  );
}

/** Every sector of every file of the archive is bad, one at a time. */
async function runSectors(stage: Stage): Promise<void> {
  const { world } = stage;
  const bytes = 512;
  let nth = 0;
  for (const path of world.archive.filePaths()) {
    const size = world.archive.stat(path)!.bytes;
    for (let from = 0; from < size; from += bytes) {
      if (!isWanted(stage, "sector", ++nth)) continue;
      const to = Math.min(size, from + bytes);
      const offset = from + new Prng(nth).below(to - from);
      const faults: Record<string, Fault> = {
        "unreadable": { kind: "unreadable", path, from, to, heals: true },
        "stuck": { kind: "unreadable", path, from, to },
        "rotten": { kind: "rotten", path, offset, mask: 1 + (nth & 127) },
      };
      for (const [variant, fault] of Object.entries(faults)) {
        const name = { kind: "sector", nth, variant };
        await tryCase(stage, name, () => trySector(stage, fault));
      }
    }
  }
}

async function trySector(stage: Stage, fault: Fault): Promise<boolean> {
  const { world, operation } = stage;
  const inner = world.archive.clone();
  const faulty = new FaultyTreeStore(inner, [fault]);
  const stores = storesWith(world, "archive", inner);
  const { isDone, error } = await attempt(stage, {
    ...stores,
    archive: faulty,
  });
  if (faulty.unfired().length > 0) return false;
  const canBeDone = world.shape.parityShards > 0 && !world.damaged;
  const isStuck = fault.kind === "unreadable" && fault.heals !== true;
  if (canBeDone && !(isStuck && operation.mends === true)) {
    ok(isDone, `one bad sector stops nothing: ${error}`);
  }
  await judgeOnce(stage, stores, { isDone });
  return true;
}

/** The disk holds as much as it held after any step, a byte less, and something between. */
async function runFullDisks(stage: Stage): Promise<void> {
  const role = stage.operation.writes;
  if (role === undefined) return;
  const { world } = stage;
  const prng = new Prng(stage.job.seed);
  const rooms = new Set([stage.only?.nth ?? 0]);
  for (const growth of stage.growths) {
    for (const room of [growth - 1, growth, growth - prng.below(600)]) {
      if (room > 0) rooms.add(room);
    }
  }
  for (const room of rooms) {
    if (!isWanted(stage, "full", room)) continue;
    await tryCase(
      stage,
      { kind: "full", nth: room, variant: role },
      async () => {
        const full = world[role].clone();
        full.capacityBytes = full.usedBytes + room;
        const stores = storesWith(world, role, full);
        const { isDone, error } = await attempt(stage, stores);
        if (stage.operation.needsNoRoom) {
          ok(isDone, `it needs no room: ${error}`);
        }
        await judge(world, stage.run, stores, {
          isDone,
          beforeAgain: () => full.capacityBytes = undefined,
        });
        return true;
      },
    );
  }
}
