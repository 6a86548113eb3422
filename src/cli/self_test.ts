// Self-test: a line for each part that this program relies on. What is merely absent is said, with
// what to do about it, and is no failure. Works in a folder of its own, and leaves none behind.

import {
  runSelfTest as tryParts,
  type SelfTestFinding,
  type SelfTestRequest,
} from "../archive/self_test.ts";
import { unreachable } from "../base/assert.ts";
import { Failure, messageOf } from "../base/errors.ts";
import type { SelfTestCommand } from "./arguments.ts";
import { exitCodes } from "./exit_code.ts";
import { styled } from "./output.ts";
import type { Session } from "./session.ts";
import { formatCount } from "./text.ts";
import { version } from "./version.ts";

/** Runs `self-test`; gives the exit code. @throws {Failure} `interrupted` */
export async function runSelfTest(
  command: SelfTestCommand,
  session: Session,
): Promise<number> {
  const findings: SelfTestFinding[] = [];
  const take = (finding: SelfTestFinding) => {
    findings.push(finding);
    tell(finding, session);
  };
  const room = openRoom(command.folder, session);
  try {
    const request = {
      room,
      workers: session.settings.workers,
      signal: session.signal,
    };
    for await (const finding of tryParts(request)) take(finding);
    take(await findMount());
  } finally {
    if (room.kind === "folder") closeRoom(room.path, session);
  }
  const exitCode = findings.some(({ state }) => state === "failed")
    ? exitCodes.operational
    : exitCodes.done;
  session.output.document({
    type: "self-test",
    schema: 1,
    version,
    findings,
    exitCode,
  });
  tellSum(findings, session);
  return exitCode;
}

// Where nothing can be written, what needs no writing is tried all the same.
function openRoom(
  parent: string | undefined,
  { ports }: Session,
): SelfTestRequest["room"] {
  try {
    return { kind: "folder", path: ports.makeTemporaryFolder(parent) };
  } catch (error) {
    const reason = messageOf(error).replace(/ \(os error \d+\).*$/s, "");
    if (parent !== undefined && isAbsent(error)) {
      throw new Failure(
        "not-found",
        `Cannot work in "${parent}": ${reason}`,
        { cause: error },
      );
    }
    const advice = parent === undefined ? "; --dir names another place" : "";
    const why = `no temporary folder can be made: ${reason}${advice}`;
    return { kind: "none", why };
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
}

function closeRoom(path: string, { ports, log }: Session): void {
  try {
    ports.removeFolder(path);
  } catch (error) {
    log.warn(`Cannot remove "${path}": ${messageOf(error)}`, { path });
  }
}

// Which system has which library, and what to install, is known where the mount is.
async function findMount(): Promise<SelfTestFinding> {
  const { findMountLibrary } = await import("../mount/mount_library.ts");
  const { kind, detail } = findMountLibrary();
  return { name: "mount", state: kind === "found" ? "ok" : "absent", detail };
}

function tell(finding: SelfTestFinding, { output }: Session): void {
  const { name, state, detail } = finding;
  switch (state) {
    case "ok":
      output.goodNews(styled("green", "✓"), ` ${name}: ${detail}`);
      break;
    case "absent":
    case "skipped":
      output.goodNews(styled("yellow", "-"), ` ${name}: ${state}: ${detail}`);
      break;
    case "failed":
      output.result(styled("red", "✗"), ` ${name}: FAILED: ${detail}`);
      break;
    default:
      unreachable(state);
  }
}

function tellSum(findings: readonly SelfTestFinding[], session: Session): void {
  const counts = (["ok", "absent", "skipped", "failed"] as const).map((state) =>
    [findings.filter((each) => each.state === state).length, state] as const
  ).filter(([count]) => count > 0);
  session.output.goodNews(
    `${formatCount(findings.length, "part")}: ${
      counts.map(([count, state]) => `${count} ${state}`).join(", ")
    }`,
  );
}
