// Show: what is known of one entry, a line per fact; or the hashes that `b3sum -c` reads.

import type { Archive } from "../archive/archive.ts";
import type { EntrySummary, FileHash } from "../archive/report.ts";
import type { ShowCommand } from "./arguments.ts";
import { formatCheckLine } from "./check_line.ts";
import { exitCodes } from "./exit_code.ts";
import { formatTime } from "./list.ts";
import { styled } from "./output.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";
import { formatCount } from "./text.ts";
import { describeTree, showFiles } from "./tree_text.ts";

/** Runs `show`; gives the exit code. @throws {Failure} */
export async function runShow(
  command: ShowCommand,
  session: Session,
): Promise<number> {
  await using archive = await session.openArchive();
  const entry = archive.show(command.selector);
  if (command.files) {
    return await showFiles(entry, command, archive, session);
  }
  if (command.hashes || command.shards) {
    return await showHashes(entry, command, archive, session);
  }
  session.output.document({ type: "show", schema: 1, entry });
  for (const [key, value] of listFacts(entry)) {
    session.output.result(styled("bold", `${key}:`.padEnd(14)), value);
  }
  return exitCodes.done;
}

async function showHashes(
  entry: EntrySummary,
  command: ShowCommand,
  archive: Archive,
  session: Session,
): Promise<number> {
  const { output, log } = session;
  const hashes: FileHash[] = [];
  let unknownCount = 0;
  const of = command.shards ? "stored" : "content";
  for await (const hash of archive.hashes(entry, of)) {
    if (hash.blake3 === undefined) unknownCount++;
    output.exactResult(formatCheckLine(hash.file, hash.blake3));
    if (output.json) hashes.push(hash);
  }
  const exitCode = unknownCount === 0 ? exitCodes.done : exitCodes.damaged;
  output.document({ type: "show", schema: 1, entry, hashes, exitCode });
  if (unknownCount > 0) {
    const files = formatCount(unknownCount, "damaged file");
    log.error(`${files} of ${entry.name} have a hash of zeros, which fails`);
    log.hint(`\`${session.formatCommand("health", entry.id)}\` repairs them`);
  }
  return exitCode;
}

/** What an entry outlives: `any 3 of the 33 shards of each block`. */
export function formatSurvival(entry: EntrySummary): string {
  const { dataShards, parityShards } = entry;
  if (parityShards === 0) return "nothing: it has no parity";
  if (entry.blockCount === 0) return "anything: it is empty";
  const shards = dataShards + parityShards;
  // Blocks that are not full have fewer data shards and just as much parity.
  const all = entry.segmentCount < entry.blockCount * dataShards
    ? `up to ${shards}`
    : String(shards);
  const whole = dataShards === 1 ? "segment" : "block";
  const shardWord = entry.policy.startsWith("replicate:") ? "copies" : "shards";
  return `the loss of any ${parityShards} of the ${all} ${shardWord} ` +
    `of each ${whole}${formatCrossBlock(entry)}`;
}

function formatCrossBlock({ crossBlock, blockCount }: EntrySummary): string {
  if (crossBlock === undefined) return "";
  const { groups, parity } = crossBlock;
  return groups === 1
    ? `, and besides of any ${parity} of the ${blockCount} blocks`
    : `, and besides of any ${parity} blocks of each of the ${groups} groups`;
}

function listFacts(entry: EntrySummary): [string, string][] {
  const exact = (bytes: number) =>
    `${formatSize(bytes)} (${formatCount(bytes, "byte")})`;
  const overhead = entry.payloadBytes === 0
    ? ""
    : `, ${
      ((entry.storedBytes / entry.payloadBytes - 1) * 100).toFixed(1)
    } % more`;
  const facts: [string, string][] = [
    ["name", entry.name],
    ["id", entry.id],
    ["folder", entry.folder],
    ["created", `${formatTime(entry.created)} UTC`],
    ["size", exact(entry.payloadBytes)],
    ["stored", exact(entry.storedBytes) + overhead],
    ...(entry.tree === undefined
      ? []
      : [["files", describeTree(entry.tree)] as [string, string]]),
    ["tier", entry.tier === 0 ? "none (policy was given)" : `${entry.tier}`],
    ["policy", entry.policy],
    ["survives", formatSurvival(entry)],
    ["blocks", String(entry.blockCount)],
    [
      "segments",
      `${entry.segmentCount} of at most ${formatSize(entry.segmentBytes)}`,
    ],
    ["leaf", formatSize(entry.leafBytes)],
    ["BLAKE3", entry.root],
  ];
  if (entry.modified !== undefined) {
    facts.push(["modified", `${formatTime(entry.modified)} UTC`]);
  }
  if (entry.mode !== undefined) facts.push(["mode", entry.mode]);
  return facts;
}
