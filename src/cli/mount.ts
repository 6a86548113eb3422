// Mount: the archive as a file system until it is unmounted. In the foreground this process serves it;
// in the background a second one like it does, and this one ends once it can be used.

import type { Archive, ArchiveReader } from "../archive/archive.ts";
import { assert } from "../base/assert.ts";
import { Failure } from "../base/errors.ts";
import { ArchiveView } from "../view/archive_view.ts";
import { parseMountOptions } from "./mount_options.ts";
import type { MountCommand } from "./arguments.ts";
import { exitCodes } from "./exit_code.ts";
import { styled } from "./output.ts";
import { OutputClosed } from "./ports.ts";
import type { Session } from "./session.ts";
import { formatSize, parseSize, sizeForms } from "./size.ts";
import { formatCount, quoteArgument } from "./text.ts";

const cacheBytesDefault = 64 * 1024 * 1024;

/** Runs `mount`; gives the exit code. @throws {Failure} */
export async function runMount(
  given: MountCommand,
  session: Session,
): Promise<number> {
  const listed = parseMountOptions(given.mountOptions);
  assert(!("problem" in listed), "the parser judged the options");
  const command: MountCommand = { ...given, ...listed };
  if (command.remote !== undefined) {
    throw new Failure(
      "invalid-argument",
      `Cannot mount "${command.remote}": mounting from a server is not possible yet; ` +
        `--archive names an archive of this machine`,
    );
  }
  const cacheBytes = command.cache === undefined
    ? cacheBytesDefault
    : parseSize(command.cache);
  if (cacheBytes === undefined) {
    throw new Failure(
      "invalid-argument",
      `--cache is "${command.cache}"; allowed is ${sizeForms}`,
    );
  }
  if (command.background) return await goBackground(command, session);
  await using archive = await session.openArchive();
  refuseUnreadable(session);
  return await serve(command, cacheBytes, archive, session);
}

/** An archive that cannot be listed would look like one without entries. @throws {Failure} */
function refuseUnreadable(session: Session): void {
  const { archive } = session.settings;
  try {
    session.ports.hasFewNames(archive, 0);
  } catch (error) {
    // Whatever else is wrong with it, a mount goes on through.
    if (!(error instanceof Deno.errors.PermissionDenied)) return;
    throw new Failure(
      "permission-denied",
      `Cannot list the archive "${archive}": permission denied`,
      { cause: error },
    );
  }
}

async function serve(
  command: MountCommand,
  cacheBytes: number,
  archive: Archive,
  session: Session,
): Promise<number> {
  await using reader = await archive.openReader({
    cacheBytes,
    repair: !command.noRepair,
  });
  let place = command.mountpoint;
  const hides = hidesSomething(place, session);
  const label = session.ports.absolutePath(session.settings.archive);
  await session.ports.mountView({
    view: new ArchiveView(reader),
    mountpoint: command.mountpoint,
    source: session.settings.archive,
    label,
    allowOther: command.allowOther,
    uid: command.uid,
    gid: command.gid,
    mode: command.mode === undefined ? undefined : parseInt(command.mode, 8),
    signal: session.signal,
    clock: session.ports.clock,
    onMounted: (mountpoint) => {
      // Whoever serves for months starts no more programs.
      session.ports.giveUpSubprocesses();
      place = mountpoint;
      tellMounted({ ...command, mountpoint }, hides, session);
    },
    onFault: (error) => session.log.error(`Internal error: ${error}`),
  });
  try {
    tellUnmounted({ ...command, mountpoint: place }, reader, session);
  } catch (error) {
    // Who started a mount in the background has long gone: it ended well all the same.
    if (!(error instanceof OutputClosed)) throw error;
  }
  return exitCodes.done;
}

/** Whether the folder has something in it. */
function hidesSomething(mountpoint: string, session: Session): boolean {
  if (session.ports.system === "windows") return false;
  try {
    return !session.ports.hasFewNames(mountpoint, 0);
  } catch {
    return false; // why not is said by the mount
  }
}

function tellMounted(
  command: MountCommand,
  hides: boolean,
  session: Session,
): void {
  const { mountpoint, background } = command;
  session.output.document({
    type: "mounted",
    schema: 1,
    archive: session.settings.archive,
    mountpoint,
  });
  session.output.goodNews(
    styled("green", "✓"),
    ` ${session.settings.archive}: mounted at ${mountpoint}`,
  );
  const how = background ? " by a process in the background" : "";
  session.log.info(`Mounted at ${mountpoint}${how}`, { mountpoint });
  if (hides) {
    session.log.warn(
      `"${mountpoint}" is not empty: what lies in it is hidden until the mount ends`,
    );
  }
  if (!session.output.json && !session.output.quiet) {
    session.log.hint(`${howToEnd(command, session)} unmounts it`);
  }
}

function howToEnd(command: MountCommand, session: Session): string {
  const { mountpoint, background } = command;
  if (session.ports.system === "windows") {
    return background ? "Ending its process" : "Ctrl+C";
  }
  const tool = session.ports.system === "darwin" ? "umount" : "fusermount3 -u";
  const unmount = `\`${tool} ${quoteArgument(mountpoint)}\``;
  return background ? unmount : `Ctrl+C or ${unmount}`;
}

function tellUnmounted(
  command: MountCommand,
  { counters }: ArchiveReader,
  session: Session,
): void {
  const { mountpoint } = command;
  session.log.info(`Unmounted ${mountpoint}`, { mountpoint, ...counters });
  const { rebuiltLeafCount, repairedLeafCount, lostLeafCount } = counters;
  if (rebuiltLeafCount + lostLeafCount > 0) {
    session.log.warn(
      `Damage was met: ${formatCount(rebuiltLeafCount, "leaf", "leaves")} ` +
        `rebuilt, ${repairedLeafCount} written back, ${lostLeafCount} lost`,
    );
    const health = session.formatCommand("health");
    session.log.hint(`\`${health}\` verifies all of the archive`, "warn");
  }
  session.output.document({
    type: "unmounted",
    schema: 1,
    mountpoint,
    ...counters,
    exitCode: exitCodes.done,
  });
  const readBytes = formatSize(counters.missCount * 64 * 1024);
  const read = counters.missCount === 0
    ? "nothing was read"
    : `about ${readBytes} were read and verified`;
  session.output.goodNews(
    styled("green", "✓"),
    ` ${mountpoint}: unmounted; ${read}`,
  );
}

/** Starts this program again, to stay; waits until it serves, or says why it cannot. */
async function goBackground(
  command: MountCommand,
  session: Session,
): Promise<number> {
  session.assertRunning();
  const hides = hidesSomething(command.mountpoint, session);
  const { archive, logFile, workers, configFile } = session.settings;
  const absolute = (path: string) => session.ports.absolutePath(path);
  // `X:` and `*` are drives of Windows, and no paths.
  const place = (path: string) =>
    session.ports.system === "windows" && /^(\*|[A-Za-z]:)$/.test(path)
      ? path
      : absolute(path);
  const value = (name: string, text: string | number | undefined) =>
    text === undefined ? [] : [name, `${text}`];
  const flag = (name: string, is: boolean) => is ? [name] : [];
  const started = await session.ports.startBackground([
    "mount",
    "--json",
    "--no-progress",
    ...value("--mountpoint", place(command.mountpoint)),
    ...value("--archive", absolute(archive)),
    ...value("--config", configFile && absolute(configFile)),
    ...value("--log-file", logFile && absolute(logFile)),
    ...value("--log-level", session.settings.shownLevel),
    ...value("--workers", workers),
    ...value("--cache", command.cache),
    ...value("--uid", command.uid),
    ...value("--gid", command.gid),
    ...value("--mode", command.mode),
    ...flag("--allow-other", command.allowOther),
    ...flag("--no-repair", command.noRepair),
  ]);
  if (started.kind === "ended") {
    // What libfuse and fusermount3 print themselves.
    for (const line of started.stderr.split("\n")) {
      if (/^(fuse|fusermount3?):/.test(line)) session.log.warn(line);
    }
    const said = parseError(started.stdout);
    if (said !== undefined) throw said;
    throw new Failure(
      "io",
      `Cannot mount in the background: the process ended with ${started.code}` +
        (started.stderr === "" ? "" : `: ${started.stderr.trim()}`),
    );
  }
  tellMounted(command, hides, session);
  return exitCodes.done;
}

/** The failure that a run with --json printed. */
function parseError(stdout: string): Failure | undefined {
  for (const line of stdout.split("\n")) {
    try {
      const { type, code, message } = JSON.parse(line);
      if (type === "error") return new Failure(code, message);
    } catch {
      // not a document
    }
  }
  return undefined;
}
