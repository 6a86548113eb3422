// Stage: one prepared job, on which cases are tried. Every case gets copies of the stores.

import { ok } from "node:assert/strict";
import { type Bytes, encodeUtf8, formatHex } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Codec } from "../../src/codec/mod.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { type CaseName, formatCase, type Job } from "./case_id.ts";
import { judge, type Verdict } from "./judge.ts";
import type { Operation, Run } from "./operation.ts";
import type { Tally } from "./tally.ts";
import { benchNumbers, type Role, type Stores, type World } from "./world.ts";

/** A job that is ready to be run again and again. */
export interface Stage {
  readonly job: Job;
  readonly operation: Operation;
  readonly world: World;
  readonly run: Run;
  readonly tally: Tally;
  /** The one case that is wanted; undefined for all. */
  readonly only: CaseName | undefined;
  /** Fingerprints of what was judged. */
  readonly judged: Set<string>;
  /** How full the disk was after each step, beyond what it held before. */
  readonly growths: Set<number>;
}

/** A stage on which nothing was tried yet. */
export function openStage(parts: Omit<Stage, "judged" | "growths">): Stage {
  return { ...parts, judged: new Set(), growths: new Set() };
}

/** A case failed: says which. */
export class CaseFailed extends Error {
  override readonly name: string = "CaseFailed";
  readonly caseName: string;

  /** `cause` is what the case failed of. */
  constructor(job: Job, name: CaseName, cause: unknown) {
    super(formatCase(job, name), { cause });
    this.caseName = formatCase(job, name);
  }
}

/** Whether any case of this kind, and with this number where one is given, is to be run. */
export function isWanted(stage: Stage, kind: string, nth?: number): boolean {
  const { only, world, job } = stage;
  if (only !== undefined) {
    return only.kind === kind && (nth === undefined || only.nth === nth);
  }
  return nth === undefined || (nth + job.seed) % world.shape.stride === 0;
}

/** Judges a case where it is wanted; `body` says whether there was anything new to judge. */
export async function tryCase(
  stage: Pick<Stage, "job" | "tally" | "only">,
  name: CaseName,
  body: () => Promise<boolean>,
): Promise<void> {
  const { only, job, tally } = stage;
  if (only !== undefined && formatCase(job, only) !== formatCase(job, name)) {
    return;
  }
  try {
    if (await body()) {
      const key = `${job.operation}: ${name.kind}`;
      tally.counts[key] = (tally.counts[key] ?? 0) + 1;
    } else tally.repeatCount++;
  } catch (error) {
    throw new CaseFailed(job, name, error);
  }
}

/** How an operation ended that was stopped or met a fault. */
export interface Attempt {
  readonly isDone: boolean;
  /** The Failure that it threw, if so. */
  readonly error?: unknown;
}

/** Does the operation; anything thrown but a Failure fails the case. */
export async function attempt(stage: Stage, stores: Stores): Promise<Attempt> {
  const { world, run } = stage;
  try {
    return { isDone: await run.run(world.open(stores, benchNumbers.run)) };
  } catch (error) {
    ok(isFailure(error), error instanceof Error ? error.stack : String(error));
    return { isDone: false, error };
  }
}

/** Stores whose content can be compared. */
export type CaseStores = Readonly<Record<Role, MemoryStore>>;

/** The stores of a case: this one for a role, and for the others copies that nothing happens to. */
export function storesWith(
  world: World,
  role: Role,
  store: MemoryStore,
): CaseStores {
  return {
    archive: role === "archive" ? store : world.archive.clone(),
    sources: role === "sources" ? store : world.sources, // which nothing writes into
    outputs: role === "outputs" ? store : new MemoryStore(),
  };
}

/**
 * Judges what an attempt has left, unless the same was judged before: the verdict on the same bytes
 * would be the same. Whether it was new.
 */
export async function judgeOnce(
  stage: Stage,
  stores: CaseStores,
  verdict: Verdict,
): Promise<boolean> {
  const { world, run, judged } = stage;
  const { archive, outputs } = stores;
  const mark = `${fingerprintOf(archive)} ${fingerprintOf(outputs)} ` +
    `${verdict.isDone} ${verdict.mayBeDamaged === true}`;
  if (judged.has(mark)) return false;
  judged.add(mark);
  await judge(world, run, stores, verdict);
  return true;
}

/** What distinguishes the content of a store from that of any other. */
export function fingerprintOf(store: MemoryStore): string {
  const parts: Bytes[] = [];
  const visit = (folder: string) => {
    for (const { name, kind } of store.list(folder)) {
      const path = folder === "" ? name : `${folder}/${name}`;
      parts.push(encodeUtf8(`\0${kind} ${path}\0`));
      if (kind === "folder") visit(path);
      else if (kind === "file") parts.push(store.contentOf(path));
    }
  };
  visit("");
  const bytes = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return formatHex(Codec.open().digest(bytes));
}
