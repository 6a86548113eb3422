// Versions: the entries of one name. Says whether the newest of them already holds what is about to
// be stored, and which of them a policy keeps.

import { Failure, isFailure } from "../base/errors.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Manifest } from "../format/manifest.ts";
import { formatPolicy } from "../format/policy.ts";
import { type KeepRules, planPrune } from "../format/prune.ts";
import {
  type Catalogue,
  type CatalogueEntry,
  type ReadEntry,
  readNewest,
} from "./catalogue.ts";
import type { EngineContext } from "./context.ts";
import { examineEntry } from "./health.ts";
import type { HealthReport, PrunePlan } from "./report.ts";

/**
 * The newest version of the manifest's name, if it holds the same content, with the same policy where
 * one was asked for. Its bytes are verified: what cannot be restored is not the same. @throws {Failure}
 */
export async function findIdentical(
  manifest: Manifest,
  policyGiven: boolean,
  context: EngineContext,
): Promise<ReadEntry | undefined> {
  const newest = readNewest(manifest.name, context);
  if (newest === undefined || !isSame(manifest, newest.manifest, policyGiven)) {
    return undefined;
  }
  const state = await stateOf(newest, context);
  const what = `"${manifest.name}" (${newest.manifest.id})`;
  if (state === "lost") {
    const message =
      `${what} has the same content, but cannot be restored in full: it is stored anew`;
    context.emit({ kind: "warning", message });
    return undefined;
  }
  if (state !== "healthy") {
    const message = `${what} is damaged and can be repaired: run health`;
    context.emit({ kind: "warning", message });
  }
  return newest;
}

/** Which versions of the names (default: of all) the rules keep. @throws {Failure} `not-found` */
export function planPruneOf(
  catalogue: Catalogue,
  names: readonly string[] | undefined,
  rules: KeepRules,
): PrunePlan {
  const groups = Map.groupBy(
    catalogue.entries,
    (entry) => entry.summary.name,
  );
  for (const name of names ?? []) {
    if (!groups.has(name)) {
      throw new Failure(
        "not-found",
        `There is no entry named "${name}" in the archive`,
      );
    }
  }
  const wanted = [...groups].filter(([name]) => names?.includes(name) ?? true);
  return {
    names: wanted.map(([name, entries]) => {
      const created = entries.map((entry) => entry.summary.created);
      const verdicts = planPrune(created, rules);
      return {
        name,
        versions: entries.map((entry, index) => ({
          entry: entry.summary,
          reasons: verdicts[index]!.reasons,
        })),
      };
    }),
    problems: catalogue.problems,
  };
}

function isSame(
  manifest: Manifest,
  other: Manifest,
  policyGiven: boolean,
): boolean {
  return manifest.geometry.payloadBytes === other.geometry.payloadBytes &&
    equalBytes(manifest.root, other.root) &&
    hasSameFiles(manifest, other) &&
    (!policyGiven ||
      formatPolicy(manifest.policy) === formatPolicy(other.policy));
}

/** Trees are the same if all that their tables say is. */
function hasSameFiles({ files }: Manifest, other: Manifest): boolean {
  if (files === undefined || other.files === undefined) {
    return files === other.files;
  }
  return equalBytes(files.tableRoot, other.files.tableRoot);
}

/** "lost" also for what cannot be read. @throws {Failure} `offline`, `interrupted` */
async function stateOf(
  entry: CatalogueEntry,
  context: EngineContext,
): Promise<HealthReport["state"]> {
  try {
    await using executor = context.openExecutor({
      workBytes: entry.summary.storedBytes,
    });
    return (await examineEntry(entry.folder, false, executor, context)).state;
  } catch (error) {
    if (!isFailure(error)) throw error;
    if (["offline", "interrupted"].includes(error.code)) throw error;
    return "lost";
  }
}
