// Config file: the text of a `config.toml` as settings. Every complaint names the file, the key and
// what is allowed. The TOML parser is loaded with the first file that is there.

import { findSimilar } from "@optique/core/suggestion";
import type { TierLimits } from "../archive/archive.ts";
import { Failure } from "../base/errors.ts";
import { segmentBytesMax, tierLimitsDefault } from "../base/limits.ts";
import { type LogLevel, logLevels } from "./log.ts";
import type { Ports } from "./ports.ts";
import { formatSize, parseSize, sizeForms } from "./size.ts";

/** The smallest segment: one BLAKE3 chunk. */
export const segmentBytesMin = 1024;

/** More threads than this is a typing mistake. */
export const workerCountMax = 256;

/** What a configuration file says; undefined where it is silent. */
export interface FileSettings {
  readonly archive: string | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly logFile: string | undefined;
  readonly segmentBytes: number | undefined;
  readonly tiers: TierLimits | undefined;
  readonly workers: number | undefined;
  /** Things worth saying at debug level. */
  readonly notes: readonly string[];
}

const topKeys = [
  "archive_directory",
  "log_file",
  "log_level",
  "segment_size",
  "segment_size_mb",
  "tiers",
  "workers",
] as const;
const tierKeys = ["tier1_max", "tier2_max", "tier3_max"] as const;

type Table = Readonly<Record<string, unknown>>;

/**
 * What the text of the configuration file at `path` says. Relative paths in it start at its folder.
 * @throws {Failure} `invalid-config`
 */
export async function parseConfig(
  text: string,
  path: string,
  system: Ports["system"],
  home: string | undefined,
): Promise<FileSettings> {
  const { parse, TomlError } = await import("smol-toml");
  let table: Table;
  try {
    table = parse(text) as Table;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0]!
      .replace(/^Invalid TOML document: /, "");
    throw configFailure(
      `${path}: line ${error.line}, column ${error.column}: ${reason}`,
      error,
    );
  }
  assertKeys(path, "", table, topKeys);
  const notes: string[] = [];
  const place = (key: string): string | undefined => {
    const value = readString(path, table, key, "a path in quotes");
    return value === undefined
      ? undefined
      : resolvePath(value, path, system, home);
  };
  return {
    archive: place("archive_directory"),
    logFile: place("log_file"),
    logLevel: readLevel(path, table),
    segmentBytes: readSegmentBytes(path, table, notes),
    tiers: readTiers(path, table),
    workers: readWorkers(path, table),
    notes,
  };
}

function assertKeys(
  path: string,
  prefix: string,
  table: Table,
  allowed: readonly string[],
): void {
  for (const key of Object.keys(table)) {
    if (allowed.includes(key)) continue;
    const near = findSimilar(key, allowed, { maxSuggestions: 1 })[0];
    const guess = near === undefined ? "" : ` (did you mean "${near}"?)`;
    const all = allowed.join(", ");
    throw configFailure(
      `${path}: unknown key "${prefix}${key}"${guess}; allowed are ${all}`,
    );
  }
}

function badValue(
  path: string,
  key: string,
  value: unknown,
  allowed: string,
): Failure {
  return configFailure(
    `${path}: ${key} is ${formatValue(value)}; allowed is ${allowed}`,
  );
}

function formatValue(value: unknown): string {
  if (value instanceof Date) return "a date";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "a table";
  return typeof value === "string" ? `"${value}"` : String(value);
}

function readString(
  path: string,
  table: Table,
  key: string,
  allowed: string,
): string | undefined {
  const value = table[key];
  if (value === undefined) return undefined;
  if (typeof value === "string" && value !== "" && !value.includes("\0")) {
    return value;
  }
  throw badValue(path, key, value, allowed);
}

function readLevel(path: string, table: Table): LogLevel | undefined {
  const value = table["log_level"];
  if (value === undefined) return undefined;
  const level = parseLogLevel(value);
  if (level !== undefined) return level;
  throw badValue(path, "log_level", value, logLevels.join(", "));
}

/** The level that `value` names, in any case; `warning` is `warn`. */
export function parseLogLevel(value: unknown): LogLevel | undefined {
  if (typeof value !== "string") return undefined;
  const word = value.toLowerCase();
  return logLevels.find((level) =>
    level === word || (level === "warn" && word === "warning")
  );
}

function readSizeValue(
  path: string,
  key: string,
  value: unknown,
): number {
  const bytes = typeof value === "string"
    ? parseSize(value)
    : typeof value === "number" && Number.isSafeInteger(value)
    ? value
    : undefined;
  if (bytes === undefined || bytes <= 0) {
    throw badValue(path, key, value, sizeForms);
  }
  return bytes;
}

function readSegmentBytes(
  path: string,
  table: Table,
  notes: string[],
): number | undefined {
  const value = table["segment_size"], old = table["segment_size_mb"];
  if (value !== undefined && old !== undefined) {
    throw configFailure(
      `${path}: segment_size and its old name segment_size_mb are both set; ` +
        `allowed is one of them`,
    );
  }
  const allowed = `a size from ${formatSize(segmentBytesMin)} to ${
    formatSize(segmentBytesMax)
  }`;
  if (old !== undefined) {
    const whole = typeof old === "number" && Number.isInteger(old);
    if (!whole || old < 1 || old * 2 ** 20 > segmentBytesMax) {
      throw badValue(
        path,
        "segment_size_mb",
        old,
        "a whole number of MiB, " +
          `1 to ${segmentBytesMax / 2 ** 20}`,
      );
    }
    notes.push(
      `${path}: segment_size_mb is the old name of segment_size; write ` +
        `segment_size = "${old}MiB"`,
    );
    return old * 2 ** 20;
  }
  if (value === undefined) return undefined;
  const bytes = readSizeValue(path, "segment_size", value);
  if (bytes < segmentBytesMin || bytes > segmentBytesMax) {
    throw badValue(path, "segment_size", value, allowed);
  }
  return bytes;
}

function readTiers(path: string, table: Table): TierLimits | undefined {
  const tiers = table["tiers"];
  if (tiers === undefined) return undefined;
  if (
    typeof tiers !== "object" || tiers === null || Array.isArray(tiers) ||
    tiers instanceof Date
  ) throw badValue(path, "tiers", tiers, `a table: [tiers]`);
  assertKeys(path, "tiers.", tiers as Table, tierKeys);
  const read = (key: (typeof tierKeys)[number], fallback: number): number => {
    const value = (tiers as Table)[key];
    return value === undefined
      ? fallback
      : readSizeValue(path, `tiers.${key}`, value);
  };
  const limits = {
    tier1Max: read("tier1_max", tierLimitsDefault.tier1Max),
    tier2Max: read("tier2_max", tierLimitsDefault.tier2Max),
    tier3Max: read("tier3_max", tierLimitsDefault.tier3Max),
  };
  if (limits.tier1Max < limits.tier2Max && limits.tier2Max < limits.tier3Max) {
    return limits;
  }
  throw configFailure(
    `${path}: tiers.tier1_max, tier2_max and tier3_max are ${limits.tier1Max}, ` +
      `${limits.tier2Max} and ${limits.tier3Max} bytes (with the defaults for those not set); ` +
      `allowed are sizes that grow`,
  );
}

function readWorkers(path: string, table: Table): number | undefined {
  const value = table["workers"];
  if (value === undefined || isWorkerCount(value)) return value;
  throw badValue(path, "workers", value, workersAllowed);
}

/** What a count of workers may be, for messages. */
export const workersAllowed: string =
  `a whole number from 0 (no threads) to ${workerCountMax}`;

/** Whether `value` is a count of workers. */
export function isWorkerCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 &&
    value <= workerCountMax;
}

/** The path that `value` in the file at `configPath` means: `~/` is home, relative is beside it. */
export function resolvePath(
  value: string,
  configPath: string,
  system: Ports["system"],
  home: string | undefined,
): string {
  if (home !== undefined && /^~(?=[/\\])/.test(value)) {
    return home + value.slice(1);
  }
  const isAbsolute = system === "windows"
    ? /^(?:[a-z]:|[/\\])/i.test(value)
    : value.startsWith("/");
  if (isAbsolute) return value;
  const folder = system === "windows"
    ? configPath.replace(/[^/\\]*$/, "")
    : configPath.replace(/[^/]*$/, "");
  return folder === "" || folder === "./" ? value : folder + value;
}

/** A complaint about the configuration. */
export function configFailure(message: string, cause?: unknown): Failure {
  return new Failure("invalid-config", message, { cause });
}
