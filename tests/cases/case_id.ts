// Case ids: the name of one case, by which it is found again. "commit/erasure/seed 17/crash 41/losing":
// an operation, a shape of entries, the seed of both, what goes wrong and when, and a variant of it.

import { assert } from "../../src/base/assert.ts";

/** All cases of one operation on one seeded archive. */
export interface Job {
  readonly operation: string;
  readonly shape: string;
  readonly seed: number;
}

/** One case of a job: the `nth` of its kind, and which variant of that. */
export interface CaseName {
  readonly kind: string;
  readonly nth: number;
  readonly variant: string;
}

/** The words by which a job is named. */
export function formatJob({ operation, shape, seed }: Job): string {
  return `${operation}/${shape}/seed ${seed}`;
}

/** The words by which a case is named. */
export function formatCase(job: Job, { kind, nth, variant }: CaseName): string {
  return `${formatJob(job)}/${kind} ${nth}/${variant}`;
}

/** The job and the case that `text` names; without the case's part, all of the job's. */
export function parseCase(text: string): { job: Job; only?: CaseName } {
  const [operation, shape, seedWords, caseWords, variant] = text.split("/");
  const seed = /^seed (\d+)$/.exec(seedWords ?? "")?.[1];
  assert(
    operation !== undefined && shape !== undefined && seed !== undefined,
    `a case is OPERATION/SHAPE/seed N[/KIND N/VARIANT], not "${text}"`,
  );
  const job = { operation, shape, seed: Number(seed) };
  if (caseWords === undefined) return { job };
  const match = /^([a-z]+) (\d+)$/.exec(caseWords);
  assert(
    match !== null && variant !== undefined,
    `a case ends in KIND N/VARIANT, not "${text}"`,
  );
  return { job, only: { kind: match[1]!, nth: Number(match[2]), variant } };
}
