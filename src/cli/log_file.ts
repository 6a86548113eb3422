// Log file: records as JSON lines, rotated by size. Loaded only when a log file was asked for.

import { getRotatingFileSink } from "@logtape/file";
import { getJsonLinesFormatter, type Sink } from "@logtape/logtape";
import { Failure, messageOf } from "../base/errors.ts";
import type { Clock } from "../base/ports.ts";
import type { LogFile, LogLevel } from "./log.ts";

/** A file that would grow beyond this becomes `PATH.1`. */
export const logBytesMax: number = 10 * 1024 * 1024;

/** Old files that are kept, `PATH.1` (newest) to `PATH.5`. */
export const logFileCountMax = 5;

const levelNames = {
  error: "error",
  warn: "warning",
  info: "info",
  debug: "debug",
} as const satisfies Record<LogLevel, string>;

/**
 * Opens the log file at `path` for appending, making its folder where it is not there.
 * @throws {Failure} `io`
 */
export function openLogFile(
  path: string,
  clock: Clock,
  bytesMax: number = logBytesMax,
): LogFile {
  const format = getJsonLinesFormatter({ properties: "nest:fields" });
  let sink: Sink & Disposable;
  try {
    const folder = path.replace(/[^/\\]*$/, "");
    if (folder !== "") Deno.mkdirSync(folder, { recursive: true });
    sink = getRotatingFileSink(path, {
      formatter: format,
      maxSize: bytesMax,
      maxFiles: logFileCountMax,
    });
  } catch (error) {
    throw new Failure(
      "io",
      `Cannot open the log file "${path}": ${messageOf(error)}`,
      { cause: error },
    );
  }
  return {
    write: (level, message, fields) =>
      sink({
        category: ["blockframe"],
        level: levelNames[level],
        message: [message],
        rawMessage: message,
        timestamp: clock.nowMs(),
        properties: { ...fields },
      }),
    [Symbol.dispose]: () => sink[Symbol.dispose](),
  };
}
