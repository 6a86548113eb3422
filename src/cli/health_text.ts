// Health text: the report on an entry as lines for a person. Pure; the first line says what was
// found, the indented ones what was done about it and what is left.

import type { FileDamage, HealthReport } from "../archive/report.ts";
import { unreachable } from "../base/assert.ts";
import {
  formatDamage,
  formatFile,
  formatPlaces,
  formatRanges,
  listedCountMax,
  listRanges,
} from "./damage_text.ts";
import { type Line, type Span, styled } from "./output.ts";
import { formatCount } from "./text.ts";

/** How many entries came out how. */
export interface HealthCounts {
  readonly entryCount: number;
  readonly healthyCount: number;
  readonly repairedCount: number;
  readonly repairableCount: number;
  readonly lostCount: number;
  /** Could not be examined at all; in none of the counts above. */
  readonly problemCount: number;
}

/** The entry as a person names it: by its id besides, where its name alone is not enough. */
export function formatEntryName(
  { name, id, versionCount }: Pick<
    HealthReport,
    "name" | "id" | "versionCount"
  >,
): string {
  return (versionCount ?? 1) > 1 ? `${name} (id ${id})` : name;
}

/** The report as lines; `verbose` names every damaged file. */
export function describeHealth(report: HealthReport, verbose: boolean): Line[] {
  if (report.problem !== undefined) {
    const title = report.name === "" ? report.folder : report.name;
    return [[
      styled("red", "✗"),
      ` ${title}: cannot be examined: ${report.problem}`,
    ]];
  }
  const lines: Line[] = [describeState(report)];
  lines.push(...describeRepairs(report.damage));
  lines.push(...describeLosses(report));
  if (verbose) {
    for (const item of report.damage) lines.push([`    ${formatFile(item)}`]);
  }
  if (report.strangers.length > 0) {
    lines.push(describeStrangers(report.strangers));
  }
  return lines;
}

/** `3 entries: 2 healthy, 1 repaired` */
export function formatSummary(counts: HealthCounts): string {
  const parts: string[] = [];
  const add = (count: number, words: string) => {
    if (count > 0) parts.push(`${count} ${words}`);
  };
  add(counts.healthyCount, "healthy");
  add(counts.repairedCount, "repaired");
  add(counts.repairableCount, "damaged but repairable");
  add(counts.lostCount, "damaged beyond repair");
  add(counts.problemCount, "could not be examined");
  const total = formatCount(counts.entryCount, "entry", "entries");
  return `${total}: ${parts.join(", ")}`;
}

function describeState(report: HealthReport): Line {
  const found = formatDamage(report.damage) || "damaged";
  const name = formatEntryName(report);
  switch (report.state) {
    case "healthy": {
      const segments = formatCount(report.segmentCount, "segment");
      return [styled("green", "✓"), ` ${name}: healthy (${segments})`];
    }
    case "repaired":
    case "repairable":
      return [styled("yellow", "✗"), ` ${name}: ${found}`];
    case "lost":
      return [styled("red", "✗"), ` ${name}: ${found}`];
    default:
      return unreachable(report.state);
  }
}

const stages = [
  {
    roles: ["segment"],
    done: "Recovered from parity",
    open: "Can be recovered from parity",
  },
  { roles: ["parity", "group"], done: "Recomputed", open: "Can be recomputed" },
  {
    roles: ["manifest", "outboard", "table"],
    done: "Restored from an intact copy",
    open: "Can be restored from an intact copy",
  },
] as const satisfies {
  roles: readonly FileDamage["role"][];
  done: string;
  open: string;
}[];

function describeRepairs(damage: readonly FileDamage[]): Line[] {
  const lines: Line[] = [];
  const add = (style: "green" | "yellow" | "red", text: string) =>
    lines.push(arrow(style, text));
  for (const { roles, done, open } of stages) {
    const ofStage = damage.filter((item) =>
      (roles as readonly string[]).includes(item.role)
    );
    const repaired = ofStage.filter((item) => item.repaired);
    if (repaired.length > 0) add("green", `${done}: ${formatPlaces(repaired)}`);
    const left = ofStage.filter((item) => !item.repaired);
    const rebuilt = left.filter(isRebuilt);
    const plain = rebuilt.filter((item) => item.obstacle === undefined);
    if (plain.length > 0) add("yellow", `${open}: ${formatPlaces(plain)}`);
    for (const held of groupByObstacle(rebuilt)) {
      const reason = formatObstacle(held);
      add("yellow", `Not written back (${reason}): ${formatPlaces(held)}`);
    }
    const lost = left.filter((item) => !isRebuilt(item));
    if (lost.length > 0) add("red", `Beyond repair: ${formatPlaces(lost)}`);
  }
  return lines;
}

/** A read-only disk refuses every file in words of its own, and is still one obstacle. */
function groupByObstacle(damage: readonly FileDamage[]): FileDamage[][] {
  const held = damage.filter((item) => item.obstacle !== undefined);
  const groups = Map.groupBy(held, (item) => item.obstacleCode);
  return [...groups.values()];
}

function formatObstacle(held: readonly FileDamage[]): string {
  const reasons = [...new Set(held.map((item) => item.obstacle))];
  const others = reasons.length - 1;
  return others === 0
    ? `${reasons[0]}`
    : `${reasons[0]}; ${formatCount(others, "other file")} likewise`;
}

function describeLosses(report: HealthReport): Line[] {
  const lines: Line[] = [];
  if (report.lostRanges.length > 0) {
    const ranges = formatRanges(report.lostRanges);
    lines.push(arrow("red", `Lost for good: ${ranges}`));
    for (const range of listRanges(report.lostRanges)) {
      lines.push([`      ${range}`]);
    }
  }
  if (report.lostParityLeafCount > 0) {
    const leaves = formatCount(report.lostParityLeafCount, "leaf", "leaves");
    const consequence = report.lostRanges.length === 0
      ? "; no byte of the file is lost"
      : "";
    lines.push(arrow("red", `Parity beyond repair: ${leaves}${consequence}`));
  }
  return lines;
}

function describeStrangers(strangers: readonly string[]): Line {
  const shown = strangers.slice(0, listedCountMax).join(", ");
  const hidden = strangers.length - listedCountMax;
  const rest = hidden > 0 ? ` ... and ${hidden} more, see --json` : "";
  const files = formatCount(strangers.length, "file");
  return [
    "  ",
    styled("dim", "·"),
    ` Left alone: ${files} not part of the entry: ${shown}${rest}`,
  ];
}

function isRebuilt(item: FileDamage): boolean {
  return item.rebuiltLeafCount >= item.leafCount;
}

function arrow(style: "green" | "yellow" | "red", text: string): Span[] {
  return ["  ", styled(style, "→"), ` ${text}`];
}
