// Tree outcome: what a restore did with the files of a tree, in words.

import type {
  PathProblem,
  RestoreReport,
  TreeOutcome,
} from "../archive/report.ts";
import { listedCountMax } from "./damage_text.ts";
import { styled } from "./output.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";
import { formatCount } from "./text.ts";

/** Says what became of a tree: how much is there, and what is not. */
export function tellTree(
  report: RestoreReport,
  tree: TreeOutcome,
  session: Session,
): void {
  const { output } = session;
  const text = ` ${report.name}: restored to ${report.output} (${
    formatContent(tree)
  })`;
  const isWhole = report.complete && tree.problems.length === 0;
  if (isWhole) output.goodNews(styled("green", "✓"), text);
  else output.result(styled("red", "✗"), text);
  tellLost(report, tree, session);
  const notMade = formatCount(tree.problems.length, "name");
  tellProblems(`${notMade} could not be made`, tree.problems, session);
  const attributed = formatCount(tree.attributeProblems.length, "attribute");
  if (tree.attributeProblems.length > 0) {
    session.log.warn(
      `${attributed} could not be set: ${tree.attributeProblems[0]!.message}`,
    );
  }
}

function formatContent(tree: TreeOutcome): string {
  const { fileCount, folderCount, linkCount, hardLinkCount } = tree;
  const parts = [formatCount(fileCount, "file")];
  if (folderCount > 0) parts.push(formatCount(folderCount, "folder"));
  if (linkCount > 0) parts.push(formatCount(linkCount, "link"));
  if (hardLinkCount > 0) parts.push(formatCount(hardLinkCount, "hard link"));
  parts.push(formatSize(tree.contentBytes));
  if (tree.skippedCount > 0) {
    parts.push(`${formatCount(tree.skippedCount, "name")} skipped`);
  }
  return parts.join(", ");
}

function tellLost(
  report: RestoreReport,
  { lostFiles }: TreeOutcome,
  { output }: Session,
): void {
  if (report.complete) return;
  output.result(
    "  ",
    styled("red", "→"),
    ` ${formatCount(lostFiles.length, "file")} lost bytes for good:`,
  );
  for (const { path, ranges } of lostFiles.slice(0, listedCountMax)) {
    const bytes = ranges.reduce((sum, range) => sum + range.bytes, 0);
    output.result(`      ${path}: ${formatSize(bytes)}`);
  }
  tellRest(lostFiles.length, output);
}

function tellProblems(
  what: string,
  problems: readonly PathProblem[],
  { output }: Session,
): void {
  if (problems.length === 0) return;
  output.result("  ", styled("red", "→"), ` ${what}:`);
  for (const { path, message } of problems.slice(0, listedCountMax)) {
    output.result(`      ${path}: ${message}`);
  }
  tellRest(problems.length, output);
}

function tellRest(count: number, output: Session["output"]): void {
  if (count <= listedCountMax) return;
  output.result(`      and ${count - listedCountMax} more`);
}
