// Config: the settings of a run, from flags, environment, a TOML file and defaults, in that order.
// Finds the file; what it may say is in config_file.ts. With no file at all everything works.

import type { TierLimits } from "../archive/archive.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import {
  configFailure,
  type FileSettings,
  isWorkerCount,
  parseConfig,
  parseLogLevel,
  workersAllowed,
} from "./config_file.ts";
import { isWanted, type LogLevel, logLevels } from "./log.ts";
import type { Ports } from "./ports.ts";

/** The archive where nothing names one, in the current folder. */
export const archiveDefault = "archive_directory";

/** What flags say; undefined where they are silent. */
export interface Flags {
  readonly archive: string | undefined;
  readonly config: string | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly logFile: string | undefined;
  readonly workers: number | undefined;
  readonly quiet: boolean;
}

/** What a run works with. */
export interface Settings {
  readonly archive: string;
  /** Whether a command needs `--archive` to name the same archive from here. */
  readonly archiveFrom: "flag" | "environment" | "file" | "default";
  /** What standard error shows. */
  readonly shownLevel: LogLevel;
  /** What the log file keeps. */
  readonly keptLevel: LogLevel;
  readonly logFile: string | undefined;
  readonly segmentBytes: number | undefined;
  readonly tiers: TierLimits | undefined;
  readonly workers: number | undefined;
  /** The file that was read, if any. */
  readonly configFile: string | undefined;
  readonly notes: readonly string[];
}

/**
 * The settings of a run.
 * @throws {Failure} `invalid-config`, `invalid-argument`
 */
export async function readSettings(
  flags: Flags,
  ports: Pick<Ports, "readVariable" | "readTextFile" | "system">,
): Promise<Settings> {
  const found = await findConfigFile(flags.config, ports);
  const file = found === undefined
    ? undefined
    : await parseFound(found, flags.config, ports);
  const archiveVariable = readSet(ports, "BLOCKFRAME_ARCHIVE");
  const levelVariable = readLevelVariable(ports);
  const workers = flags.workers ?? readWorkersVariable(ports) ?? file?.workers;
  const named = flags.logLevel ?? levelVariable ?? file?.logLevel;
  return {
    archive: flags.archive ?? archiveVariable ?? file?.archive ??
      archiveDefault,
    archiveFrom: flags.archive !== undefined
      ? "flag"
      : archiveVariable !== undefined
      ? "environment"
      : file?.archive !== undefined
      ? "file"
      : "default",
    shownLevel: planShownLevel(flags, named),
    // A log that was asked for tells at least what was done.
    keptLevel: named !== undefined && isWanted("info", named) ? named : "info",
    logFile: flags.logFile ?? file?.logFile,
    segmentBytes: file?.segmentBytes,
    tiers: file?.tiers,
    workers,
    configFile: found?.path,
    notes: file?.notes ?? [],
  };
}

// A flag beats what a file or a variable says: `-q` in a cron job silences a chatty configuration.
function planShownLevel(flags: Flags, named: LogLevel | undefined): LogLevel {
  if (flags.logLevel !== undefined) return flags.logLevel;
  return flags.quiet ? "error" : named ?? "warn";
}

/** The folder for settings of the user, with this program's name; undefined where none is known. */
export function planUserFolder(
  ports: Pick<Ports, "readVariable" | "system">,
): string | undefined {
  if (ports.system === "windows") {
    const folder = readSet(ports, "APPDATA");
    return folder === undefined ? undefined : `${folder}\\blockframe`;
  }
  const configured = readSet(ports, "XDG_CONFIG_HOME");
  if (configured !== undefined) return `${configured}/blockframe`;
  const home = readSet(ports, "HOME");
  if (home === undefined) return undefined;
  return ports.system === "darwin"
    ? `${home}/Library/Application Support/blockframe`
    : `${home}/.config/blockframe`;
}

/** Says of a file that nobody named why it was read: many programs have a config.toml. */
async function parseFound(
  { path, text }: { readonly path: string; readonly text: string },
  flag: string | undefined,
  ports: Pick<Ports, "readVariable" | "system">,
): Promise<FileSettings> {
  try {
    return await parseConfig(text, path, ports.system, readSet(ports, "HOME"));
  } catch (error) {
    const isNamed = (flag ?? readSet(ports, "BLOCKFRAME_CONFIG")) !== undefined;
    if (!isFailure(error) || isNamed || path !== "config.toml") throw error;
    throw configFailure(
      `${error.message} (read because it is in the current folder; --config names another file)`,
      error,
    );
  }
}

async function findConfigFile(
  flag: string | undefined,
  ports: Pick<Ports, "readVariable" | "readTextFile" | "system">,
): Promise<{ path: string; text: string } | undefined> {
  const variable = readSet(ports, "BLOCKFRAME_CONFIG");
  const named = flag ?? variable;
  if (named !== undefined) {
    const origin = flag === undefined ? "BLOCKFRAME_CONFIG" : "--config";
    try {
      return { path: named, text: await ports.readTextFile(named) };
    } catch (error) {
      throw configFailure(
        `Cannot read "${named}", which ${origin} names: ${reasonOf(error)}`,
        error,
      );
    }
  }
  const folder = planUserFolder(ports);
  const separator = ports.system === "windows" ? "\\" : "/";
  const candidates = ["config.toml"];
  if (folder !== undefined) candidates.push(`${folder}${separator}config.toml`);
  for (const path of candidates) {
    try {
      return { path, text: await ports.readTextFile(path) };
    } catch (error) {
      if (isAbsent(error)) continue;
      throw configFailure(`Cannot read "${path}": ${reasonOf(error)}`, error);
    }
  }
  return undefined;
}

// The system's own words end in numbers and in names of calls.
function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.NotADirectory) {
    return "a part of the path is not a folder";
  }
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied";
  }
  if (error instanceof Deno.errors.FilesystemLoop) {
    return "it is a link that leads back to itself";
  }
  return messageOf(error);
}

// Not there, or nothing that the sandbox lets us see: both mean "no file" where none was named.
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.NotCapable;
}

function readLevelVariable(
  ports: Pick<Ports, "readVariable">,
): LogLevel | undefined {
  const value = readSet(ports, "BLOCKFRAME_LOG_LEVEL");
  if (value === undefined) return undefined;
  const level = parseLogLevel(value);
  if (level !== undefined) return level;
  throw configFailure(
    `BLOCKFRAME_LOG_LEVEL is "${value}"; allowed is ${logLevels.join(", ")}`,
  );
}

function readWorkersVariable(
  ports: Pick<Ports, "readVariable">,
): number | undefined {
  const value = readSet(ports, "BLOCKFRAME_WORKERS");
  if (value === undefined) return undefined;
  const count = /^\d{1,6}$/.test(value) ? Number(value) : undefined;
  if (isWorkerCount(count)) return count;
  throw configFailure(
    `BLOCKFRAME_WORKERS is "${value}"; allowed is ${workersAllowed}`,
  );
}

// An empty variable is an unset one, as in the XDG base directory specification.
function readSet(
  ports: Pick<Ports, "readVariable">,
  name: Parameters<Ports["readVariable"]>[0],
): string | undefined {
  const value = ports.readVariable(name);
  return value === "" ? undefined : value;
}
