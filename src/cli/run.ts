// Run: one command line from its words to its exit code. Loads the parser, the settings and the
// command only when they are needed, and is the one place where what was thrown becomes a line.

import { Failure, messageOf } from "../base/errors.ts";
import { unreachable } from "../base/assert.ts";
import {
  describeBuildInfo,
  formatBuildInfo,
  readBuildInfo,
} from "./build_info.ts";
import type {
  Command,
  Invocation,
  RestoreCommand,
  SharedOptions,
  ShellName,
  ShowCommand,
} from "./arguments.ts";
import { exitCodeOf, exitCodes } from "./exit_code.ts";
import { parseWait } from "./lock_wait.ts";
import { Log } from "./log.ts";
import { Output, styled } from "./output.ts";
import { OutputClosed, type Ports } from "./ports.ts";
import { Session } from "./session.ts";
import { version } from "./version.ts";

/** Runs the command line `args` and gives its exit code. Throws nothing. */
export async function runCommandLine(
  args: readonly string[],
  ports: Ports,
): Promise<number> {
  try {
    // Not worth loading a parser.
    if (args.length === 1 && args[0] === "--version") {
      return showVersion(false, ports);
    }
    if (args[0] === "completions" && args[2] === "--") {
      return await answerShell(args, ports);
    }
    const { parseArguments } = await import("./arguments.ts");
    const invocation = parseArguments(args, ports.columnCount());
    switch (invocation.kind) {
      case "version":
        return showVersion(invocation.json, ports);
      case "completions":
        return await showScript(invocation.shell, ports);
      case "man":
        return await showManual(ports);
      case "help":
        ports.stdout.write(invocation.text);
        return exitCodes.done;
      case "usage":
        return refuse(args, invocation, ports);
      case "command":
        return await runCommand(invocation.command, invocation.shared, ports);
      default:
        return unreachable(invocation);
    }
  } catch (error) {
    if (error instanceof OutputClosed) return endUnheard(error, ports);
    return reportBug(error, ports, ports.readVariable("BLOCKFRAME_DEBUG"));
  }
}

/** Says that we failed, not the user; a stack only where one was asked for. */
export function reportBug(
  error: unknown,
  ports: Pick<Ports, "stderr">,
  debug: string | undefined,
): number {
  const output = openMessages(ports);
  output.message(
    "blockframe: ",
    styled("red", "internal error:"),
    ` ${messageOf(error)}; please report it with what you did`,
  );
  if (debug === undefined || debug === "" || debug === "0") {
    output.message("hint: BLOCKFRAME_DEBUG=1 shows where it happened");
  } else if (error instanceof Error) {
    for (const line of traceOf(error)) output.message(line);
  }
  return exitCodes.operational;
}

/** The stack; in an executable without the module that starts it, whose name is its text. */
function traceOf({ stack }: Error): string[] {
  return (stack ?? "").split("\n")
    .filter((line) => !line.includes("data:application/javascript,"))
    .map((line) =>
      line.replace("blockframe.js, <anonymous>:", "blockframe.js:")
    );
}

// What was to be said cannot be said on standard output; why, unless the reader wanted no more, still
// can be on standard error.
function endUnheard(error: OutputClosed, ports: Pick<Ports, "stderr">): number {
  if (error.cause === undefined) return exitCodes.outputClosed;
  openMessages(ports).message(
    "blockframe: ",
    styled("red", "error:"),
    ` ${error.message}`,
  );
  return exitCodes.operational;
}

function openMessages(ports: Pick<Ports, "stderr">): Output {
  return new Output({
    stdout: ports.stderr,
    stderr: ports.stderr,
    color: false,
    json: false,
    quiet: false,
  });
}

function showVersion(json: boolean, ports: Ports): number {
  const info = readBuildInfo();
  ports.stdout.write(
    json
      ? JSON.stringify(describeBuildInfo(info)) + "\n"
      : formatBuildInfo(info),
  );
  return exitCodes.done;
}

// What a completion script asks while somebody types.
async function answerShell(
  args: readonly string[],
  ports: Ports,
): Promise<number> {
  const { answerQuestion } = await import("./completions.ts");
  ports.stdout.write(await answerQuestion(args, ports));
  return exitCodes.done;
}

async function showScript(shell: ShellName, ports: Ports): Promise<number> {
  const { formatScript } = await import("./completions.ts");
  ports.stdout.write(formatScript(shell));
  return exitCodes.done;
}

async function showManual(ports: Ports): Promise<number> {
  const { formatManual } = await import("./manual.ts");
  ports.stdout.write(formatManual());
  return exitCodes.done;
}

function refuse(
  args: readonly string[],
  invocation: Extract<Invocation, { kind: "usage" }>,
  ports: Ports,
): number {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  const output = new Output({
    stdout: ports.stdout,
    stderr: ports.stderr,
    color: planColor(options.includes("--no-color"), ports),
    json: options.includes("--json"),
    quiet: false,
  });
  output.document(errorDocument("usage", invocation.problem, exitCodes.usage));
  output.message(
    "blockframe: ",
    styled("red", "error:"),
    ` ${invocation.problem}`,
  );
  output.message(
    styled("cyan", "hint:"),
    ` \`blockframe ${invocation.help}\` shows what is possible`,
  );
  return exitCodes.usage;
}

async function runCommand(
  command: Command,
  shared: SharedOptions,
  ports: Ports,
): Promise<number> {
  const output = new Output({
    stdout: ports.stdout,
    stderr: ports.stderr,
    color: planColor(shared.noColor, ports),
    json: shared.json,
    quiet: shared.quiet,
  });
  let session: Session | undefined;
  let log: Log | undefined;
  try {
    const { readSettings } = await import("./config.ts");
    const settings = await readSettings(shared, ports);
    log = new Log(output, settings.shownLevel);
    if (settings.logFile !== undefined) {
      const { openLogFile } = await import("./log_file.ts");
      log.keepIn(
        openLogFile(settings.logFile, ports.clock),
        settings.keptLevel,
      );
    }
    for (const note of settings.notes) log.debug(note);
    const wantsProgress = ports.stderr.isTerminal && !shared.noProgress &&
      !(goesToStandardOutput(command) && ports.stdout.isTerminal) &&
      !shared.quiet && ports.readVariable("TERM") !== "dumb";
    const progress = wantsProgress
      ? new (await import("./progress.ts")).Progress(
        output,
        ports.clock,
        ports.columnCount,
      )
      : undefined;
    session = new Session({
      ports,
      settings,
      output,
      log,
      verbose: shared.verbose,
      lockWaitMs: parseWait(shared.lockWait ?? ""),
      progress,
    });
    using _signals = ports.onStopSignal(session.onStopSignal);
    log.info(`Running ${command.command}`, {
      command: command.command,
      archive: settings.archive,
      configFile: settings.configFile,
      version,
    });
    const exitCode = await dispatch(command, session);
    output.clearStatus();
    log.info(`Finished ${command.command}`, { exitCode });
    return exitCode;
  } catch (error) {
    if (error instanceof OutputClosed) return endUnheard(error, ports);
    return reportError(error, {
      command,
      session,
      ports,
      output,
      log: log ?? new Log(output, "error"),
    });
  } finally {
    output.clearStatus();
    log?.[Symbol.dispose]();
  }
}

/**
 * Commands that call libraries of the system: those that read or write trees of files, whose exact
 * times and attributes only libc gives, the one that mounts, and the one that tries all of it.
 */
const nativeCommands: ReadonlySet<Command["command"]> = new Set([
  "commit",
  "restore",
  "mount",
  "self-test",
]);

function goesToStandardOutput(command: Command): boolean {
  return command.command === "restore" && command.output === "-";
}

async function dispatch(command: Command, session: Session): Promise<number> {
  // Before the engine is loaded, which opens libc where it may.
  if (!nativeCommands.has(command.command)) session.ports.giveUpForeignCalls();
  if (command.command !== "mount") session.ports.giveUpSubprocesses();
  switch (command.command) {
    case "commit":
      return (await import("./commit.ts")).runCommit(command, session);
    case "restore":
      return (await import("./restore.ts")).runRestore(command, session);
    case "health":
      return (await import("./health.ts")).runHealth(command, session);
    case "list":
    case "find":
      return (await import("./list.ts")).runList(command, session);
    case "show":
      return (await import("./show.ts")).runShow(command, session);
    case "remove":
      return (await import("./remove.ts")).runRemove(command, session);
    case "import":
      return (await import("./import.ts")).runImport(command, session);
    case "prune":
      return (await import("./prune.ts")).runPrune(command, session);
    case "cleanup":
      return (await import("./cleanup.ts")).runCleanup(command, session);
    case "mount":
      return (await import("./mount.ts")).runMount(command, session);
    case "self-test":
      return (await import("./self_test.ts")).runSelfTest(command, session);
    default:
      return unreachable(command);
  }
}

interface Ending {
  readonly command: Command;
  readonly session: Session | undefined;
  readonly ports: Ports;
  readonly output: Output;
  readonly log: Log;
}

function reportError(error: unknown, ending: Ending): number {
  const { session, output, log, ports } = ending;
  const failure = toFailure(error);
  if (failure === undefined) {
    const debug = session?.settings.shownLevel === "debug"
      ? "1"
      : ports.readVariable("BLOCKFRAME_DEBUG");
    output.document(
      errorDocument("internal", messageOf(error), exitCodes.operational),
    );
    return reportBug(error, ports, debug);
  }
  const stopped = failure.code === "interrupted" && session !== undefined;
  const exitCode = stopped ? session.stopCode : exitCodeOf(failure.code);
  output.document(errorDocument(failure.code, failure.message, exitCode));
  log.error(failure.message, { code: failure.code, exitCode });
  if (failure.cause !== undefined) {
    log.debug(`Because of: ${messageOf(failure.cause)}`);
  }
  const hint = planHint(failure, ending);
  if (hint !== undefined) log.hint(hint);
  return exitCode;
}

// What a sandbox refuses is an answer of the world, too, and says itself what was missing.
function toFailure(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  if (error instanceof Deno.errors.NotCapable) {
    return new Failure("permission-denied", error.message, { cause: error });
  }
  return undefined;
}

function planHint(failure: Failure, ending: Ending): string | undefined {
  const { command, session } = ending;
  if (session === undefined) return undefined;
  switch (failure.code) {
    case "not-found":
      if (/^(?:commit|import|self-test)$/.test(command.command)) {
        return undefined;
      }
      if (command.command === "health" && command.legacy !== undefined) {
        return undefined;
      }
      if (isOfTree(failure)) {
        const words = session.formatCommand(
          "show",
          (command as ShowCommand | RestoreCommand).selector,
          "--files",
        );
        return `\`${words}\` shows what is in it`;
      }
      // It may be the folder to write to or to mount at that is not there.
      if (command.command === "mount") {
        if (failure.message.startsWith("Cannot mount")) return undefined;
      } else if (command.command === "restore") {
        const isOfEntry = failure.message.startsWith("There is no entry");
        if (command.output !== undefined && !isOfEntry) return undefined;
      }
      return session.archiveOpened
        ? `\`${session.formatCommand("list")}\` shows what the archive holds`
        : "`blockframe commit` makes an archive, --archive names another one";
    case "ambiguous":
      return `name it by its id: \`${
        session.formatCommand("list", "--all")
      }\` shows the ids`;
    case "locked":
      return "--lock-wait says how long to wait for it; reading needs no lock";
    case "exists":
      return command.command === "restore"
        ? "--overwrite replaces it, --output names another place"
        : undefined;
    case "damaged":
      return command.command === "restore" && !command.partial
        ? "--partial writes what can be recovered, with zeros where bytes are lost"
        : undefined;
    case "unsupported-format":
      return "a newer version of blockframe wrote it and can read it";
    default:
      return undefined;
  }
}

/** Whether a path is missing in a tree, and not an entry in the archive. */
function isOfTree({ message }: Failure): boolean {
  return /^There is no ".*" in "/s.test(message);
}

function planColor(noColor: boolean, ports: Ports): boolean {
  return !noColor && !ports.readVariable("NO_COLOR") &&
    ports.readVariable("TERM") !== "dumb";
}

function errorDocument(code: string, message: string, exitCode: number) {
  return { type: "error", schema: 1, code, message, exitCode };
}
