// Commit: makes one entry out of one payload: a file's, or what another module feeds. Everything is
// written and synced in a staging folder, which no command sees; one rename makes the entry visible.
// Whatever fails before that rename leaves the archive as it was.

import { type Bytes, formatHex } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import {
  digestBytes,
  entryFileCountMax,
  outboardBytesMax,
} from "../base/limits.ts";
import { entryFolder, nameProblem } from "../format/entry_path.ts";
import {
  type Geometry,
  payloadLeafCount,
  planGeometry,
  shardCountOf,
  slotCountOf,
} from "../format/geometry.ts";
import type { Manifest } from "../format/manifest.ts";
import { type Outboard, planOutboardRecord } from "../format/outboard.ts";
import {
  parsePolicy,
  planTier,
  type Policy,
  shardsOf,
  type Tier,
} from "../format/policy.ts";
import type { StoreStat } from "../store/store.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import type { StoredFileTable } from "./file_table_write.ts";
import type { CommitReport, EntrySummary } from "./report.ts";
import {
  encodeBytesOf,
  encodeShards,
  type PayloadFeed,
  publish,
  removeStaging,
  writeMetadata,
} from "./staging.ts";
import { explainFullArchive, refuseTooLarge } from "./room.ts";
import {
  abandonStagedWork,
  openStagedWork,
  prepareStagedWork,
  type StagedWork,
} from "./staged_work.ts";
import { Syncs } from "./syncs.ts";
import { summarize } from "./summary.ts";
import { findIdentical } from "./versions.ts";
import type { StorePath } from "./worker_protocol.ts";

/** "require" fails where there is nothing to resume; "never" always starts anew. */
export type ResumeWish = "auto" | "require" | "never";

/** What to commit, with the source resolved to a store. */
export interface ResolvedCommit {
  readonly source: StorePath;
  /** The source as the caller named it, for messages. */
  readonly sourceLabel: string;
  /** The path that threads must be allowed to read. */
  readonly sourcePermission?: string;
  readonly name: string;
  readonly policy?: string;
  /**
   * BLAKE3 of the payload, hexadecimal, where it is known: without it no entry becomes visible. The
   * source is then a stopover of the payload, whose time and mode say nothing.
   */
  readonly knownRoot?: string;
  /** Store also what the newest version of the name holds already. */
  readonly force?: boolean;
  readonly resume?: ResumeWish;
}

/** A payload that is to become an entry, whatever it comes from. */
export interface Payload {
  readonly name: string;
  /** Where it comes from in the caller's words, for messages. */
  readonly label: string;
  readonly bytes: number;
  /** Bytes that it takes where it lies now, holes left out, if known. */
  readonly allocatedBytes?: number;
  /** Bytes of it that lie in the archive, where they become the entry's. Default: none. */
  readonly bytesThere?: number;
  readonly policy?: string;
  /** Store also what the newest version of the name holds already. */
  readonly force: boolean;
  /** Default: by size, with evenly filled blocks. */
  readonly plan?: EntryPlan;
  readonly feed: PayloadFeed;
  /**
   * What tells this source, as it is now, from any other; without it a commit that is cut off cannot
   * be gone on with.
   */
  readonly identity?: string;
  /** Whether to go on with a commit that was cut off. Default "auto": where there is one. */
  readonly resume?: ResumeWish;
  /** What the manifest says of the source. */
  readonly attributes: Manifest["source"];
  /** Called when all was read. @throws {Failure} `source-changed`: then no entry becomes visible */
  verifySource(root: Bytes): void;
  /** Of a tree: its files. */
  readonly fileCount?: number;
  /** Of a tree: makes its file table, when the payload is stored and known to be right. */
  makeTable?(): Promise<StoredFileTable>;
}

/** Makes one entry of a file. @throws {Failure} `invalid-name`, `source-changed`, `no-space`, … */
export async function commitEntry(
  request: ResolvedCommit,
  context: EngineContext,
): Promise<CommitReport> {
  const before = statSource(request, context);
  return await commitPayload({
    name: request.name,
    label: request.sourceLabel,
    bytes: before.bytes,
    ...(before.allocatedBytes === undefined
      ? {}
      : { allocatedBytes: before.allocatedBytes }),
    ...(request.policy === undefined ? {} : { policy: request.policy }),
    force: request.force ?? false,
    feed: feedOf(request),
    // What is imported lies in a folder of the commit's own, which nobody will have again.
    ...(request.knownRoot === undefined
      ? { identity: identityOf(request, before) }
      : {}),
    ...(request.resume === undefined ? {} : { resume: request.resume }),
    attributes: request.knownRoot === undefined ? attributesOf(before) : {},
    verifySource: (root) => {
      refuseChanged(request, before, statSource(request, context));
      refuseOtherRoot(request, root);
    },
  }, context);
}

/** Makes one entry of a payload. @throws {Failure} `invalid-name`, `no-space`, `interrupted`, … */
export async function commitPayload(
  payload: Payload,
  context: EngineContext,
): Promise<CommitReport> {
  const startMs = context.clock.monotonicMs();
  refuseName(payload.name);
  const plan = payload.plan ?? planEntry(payload, context);
  const work = openStagedWork(payload, plan, context);
  const room = {
    label: payload.label,
    geometry: plan.geometry,
    shareDone: work.cutOff === undefined
      ? 0
      : work.cutOff.bytesDone / payload.bytes,
    bytesThere: payload.bytesThere ?? 0,
    ...(payload.allocatedBytes === undefined
      ? {}
      : { allocatedBytes: payload.allocatedBytes }),
  };
  refuseTooLarge(room, context);
  context.emit({
    kind: "start",
    operation: "commit",
    name: payload.name,
    bytesTotal: encodeBytesOf(plan.geometry),
    ...(payload.fileCount === undefined
      ? {}
      : { fileCount: payload.fileCount }),
  });
  let filled: Filled;
  try {
    filled = await fillStaging({ payload, plan, work }, context);
  } catch (error) {
    const isKept = abandonStagedWork(work, error, payload, context);
    throw explainFullArchive(error, room, isKept, context);
  }
  if (filled.outcome === "unchanged") removeStaging(work.folder, context);
  context.emit({ kind: "finish", operation: "commit" });
  return {
    ...filled.summary,
    outcome: filled.outcome,
    source: payload.label,
    ...(work.cutOff === undefined
      ? {}
      : { resumedBytes: work.journal?.bytesKept ?? 0 }),
    elapsedMs: context.clock.monotonicMs() - startMs,
  };
}

/** The shape of an entry. */
export interface EntryPlan {
  readonly tier: Tier;
  readonly policy: Policy;
  readonly geometry: Geometry;
}

/** What a staging folder came to. */
interface Filled {
  /** "unchanged": it was not published, and is of no use. */
  readonly outcome: CommitReport["outcome"];
  readonly summary: EntrySummary;
}

interface Draft {
  readonly payload: Payload;
  readonly plan: EntryPlan;
  readonly work: StagedWork;
}

/** @throws {Failure} `invalid-name` */
export function refuseName(name: string): void {
  const problem = nameProblem(name);
  if (problem === undefined) return;
  throw new Failure("invalid-name", `Cannot commit as "${name}": ${problem}`);
}

/** The shape that a payload of this size gets. @throws {Failure} `invalid-argument` */
export function planEntry(
  payload: {
    readonly label: string;
    readonly bytes: number;
    readonly policy?: string;
    /** False: every segment but the last is as long as one may be. */
    readonly evenBlocks?: boolean;
  },
  context: EngineContext,
): EntryPlan {
  const { tiers, segmentBytes, leafBytesMax } = context.settings;
  const { tier, policy } = payload.policy === undefined
    ? planTier(payload.bytes, tiers)
    : { tier: 0 as const, policy: parsePolicy(payload.policy) };
  const geometry = planGeometry({
    payloadBytes: payload.bytes,
    ...shardsOf(policy),
    segmentBytesMax: segmentBytes,
    leafBytesMax,
    evenBlocks: payload.evenBlocks ?? true,
    acrossBlocks: tier === 4,
  });
  if (slotCountOf(geometry) * digestBytes > outboardBytesMax) {
    throw new Failure(
      "invalid-argument",
      `Cannot commit "${payload.label}": with leaves of ${geometry.leafBytes} bytes it has ` +
        `more digests than an entry can hold`,
    );
  }
  if (shardCountOf(geometry) > entryFileCountMax) {
    throw new Failure(
      "invalid-argument",
      `Cannot commit "${payload.label}": with segments of ${geometry.segmentBytes} bytes it has ` +
        `more than ${entryFileCountMax} shards; a larger segment_size helps`,
    );
  }
  return { tier, policy, geometry };
}

async function fillStaging(
  draft: Draft,
  context: EngineContext,
): Promise<Filled> {
  const { payload, plan, work } = draft;
  prepareStagedWork(work, payload, plan, context);
  const syncs = new Syncs(context.store, context);
  try {
    const outboard = await encodeShards(work, payload.feed, syncs, context);
    const table = await payload.makeTable?.();
    const manifest = describe(draft, outboard, table, context);
    payload.verifySource(manifest.root);
    throwIfInterrupted(context);
    const identical = payload.force
      ? undefined
      : await findIdentical(manifest, payload.policy !== undefined, context);
    if (identical !== undefined) {
      work.journal?.[Symbol.dispose]();
      return { outcome: "unchanged", summary: identical.summary };
    }
    const metadata = { outboard, table: table?.compressed };
    const written = writeMetadata(manifest, metadata, work.folder, context);
    syncs.start(written.paths);
    await syncs.finish();
    // A slow disk may have taken minutes for that.
    throwIfInterrupted(context);
    const wanted = entryFolder(payload.name, work.id);
    work.journal?.remove();
    const folder = publish(work, wanted, context);
    return {
      outcome: "committed",
      summary: summarize(manifest, folder, written.manifestBytes),
    };
  } finally {
    await syncs.settle();
  }
}

function feedOf(request: ResolvedCommit): PayloadFeed {
  const source = { kind: "file", file: request.source } as const;
  return {
    sourceOf: () => source,
    permissions: request.sourcePermission === undefined
      ? []
      : [request.sourcePermission],
  };
}

function describe(
  draft: Draft,
  outboard: Outboard,
  table: StoredFileTable | undefined,
  context: EngineContext,
): Manifest {
  const { payload, plan, work } = draft;
  const { codec } = context;
  const leaves = payloadLeafCount(plan.geometry);
  return {
    id: work.id,
    name: payload.name,
    created: new Date(context.clock.nowMs()).toISOString(),
    tier: plan.tier,
    policy: plan.policy,
    geometry: plan.geometry,
    root: leaves === 0
      ? codec.digest(new Uint8Array(0))
      : codec.rootOf(outboard.digests.subarray(0, leaves * digestBytes)),
    outboard: planOutboardRecord(
      outboard.digests,
      (bytes) => codec.digest(bytes),
    ),
    source: payload.attributes,
    ...(table === undefined ? {} : { files: table.record }),
  };
}

/** A file that was written to, or whose time was set, has another. */
function identityOf({ source }: ResolvedCommit, stat: StoreStat): string {
  const { bytes, modifiedMs, changedMs } = stat;
  return JSON.stringify([
    "file",
    source.root,
    source.path,
    bytes,
    modifiedMs,
    changedMs,
  ]);
}

function attributesOf(before: StoreStat): Manifest["source"] {
  return {
    ...(before.modifiedMs === undefined
      ? {}
      : { modified: new Date(before.modifiedMs).toISOString() }),
    ...(before.mode === undefined
      ? {}
      : { mode: before.mode.toString(8).padStart(4, "0") }),
  };
}

function refuseOtherRoot(request: ResolvedCommit, digest: Bytes): void {
  const { knownRoot } = request;
  const root = formatHex(digest);
  if (knownRoot === undefined || knownRoot === root) return;
  throw new Failure(
    "damaged",
    `Cannot commit "${request.sourceLabel}": its BLAKE3 is ${root}, not ${knownRoot}`,
  );
}

function statSource(
  request: ResolvedCommit,
  context: EngineContext,
): StoreStat {
  const stat = context.storeOf(request.source.root).stat(request.source.path);
  if (stat === undefined) {
    throw new Failure(
      "not-found",
      `Cannot commit "${request.sourceLabel}": there is no such file`,
    );
  }
  if (stat.kind !== "file") {
    const what = stat.kind === "folder"
      ? "it is a folder"
      : "it is not a plain file";
    throw new Failure(
      "wrong-kind",
      `Cannot commit "${request.sourceLabel}": ${what}`,
    );
  }
  return stat;
}

function refuseChanged(
  request: ResolvedCommit,
  before: StoreStat,
  after: StoreStat,
): void {
  if (after.bytes === before.bytes && after.modifiedMs === before.modifiedMs) {
    return;
  }
  throw new Failure(
    "source-changed",
    `Cannot commit "${request.sourceLabel}": it was changed while it was read`,
  );
}
