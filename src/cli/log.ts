// Log: what happened beside the results, at four levels. Lines for people go to standard error as
// far as its level lets them; every record that the file's level lets through goes to the log file,
// where one was asked for.

import { OutputClosed } from "./ports.ts";
import type { Output, Style } from "./output.ts";
import { styled } from "./output.ts";

/** The levels, from the one that is always shown to the one that tells most. */
export const logLevels = ["error", "warn", "info", "debug"] as const;

/** How much a record matters, or how much is wanted. */
export type LogLevel = (typeof logLevels)[number];

/** What a record carries for programs. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A file of records. */
export interface LogFile extends Disposable {
  /** @throws whatever the file system throws */
  write(level: LogLevel, message: string, fields: LogFields): void;
}

const labels: Readonly<Record<LogLevel, { text: string; style: Style }>> = {
  error: { text: "error:", style: "red" },
  warn: { text: "warning:", style: "yellow" },
  info: { text: "info:", style: "cyan" },
  debug: { text: "debug:", style: "dim" },
};

/** Whether a record of `level` is wanted where `wanted` is the level. */
export function isWanted(level: LogLevel, wanted: LogLevel): boolean {
  return logLevels.indexOf(level) <= logLevels.indexOf(wanted);
}

/** Where the parts of a run tell what happened. */
export class Log implements Disposable {
  #output: Output;
  #level: LogLevel;
  #file: { readonly file: LogFile; readonly level: LogLevel } | undefined;

  /** A log that shows records up to `level` on standard error. */
  constructor(output: Output, level: LogLevel) {
    this.#output = output;
    this.#level = level;
  }

  /** From now on records up to `level` go to `file` too; the log closes it. */
  keepIn(file: LogFile, level: LogLevel): void {
    this.#file = { file, level };
  }

  /** What stops the run, or a part of it. */
  error(message: string, fields: LogFields = {}): void {
    this.#write("error", message, fields);
  }

  /** What a person should look at. */
  warn(message: string, fields: LogFields = {}): void {
    this.#write("warn", message, fields);
  }

  /** What was done. */
  info(message: string, fields: LogFields = {}): void {
    this.#write("info", message, fields);
  }

  /** What helps to find a mistake. */
  debug(message: string, fields: LogFields = {}): void {
    this.#write("debug", message, fields);
  }

  /** What to do next; shown where what it belongs to is shown, kept out of the file. */
  hint(message: string, level: LogLevel = "error"): void {
    if (!isWanted(level, this.#level)) return;
    this.#output.message(styled("cyan", "hint:"), " ", message);
  }

  /** Writes out and closes the file. */
  [Symbol.dispose](): void {
    const kept = this.#file;
    this.#file = undefined;
    try {
      kept?.file[Symbol.dispose]();
    } catch (error) {
      this.#reportFile(error);
    }
  }

  #write(level: LogLevel, message: string, fields: LogFields): void {
    if (isWanted(level, this.#level)) {
      const { text, style } = labels[level];
      this.#output.message("blockframe: ", styled(style, text), " ", message);
    }
    const kept = this.#file;
    if (kept === undefined || !isWanted(level, kept.level)) return;
    try {
      kept.file.write(level, message, fields);
    } catch (error) {
      this.#file = undefined;
      this.#reportFile(error);
    }
  }

  // A full disk must not stop a repair because of its log: it is said once, and the run goes on.
  #reportFile(error: unknown): void {
    if (error instanceof OutputClosed) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    this.#output.message(
      "blockframe: ",
      styled("yellow", "warning:"),
      ` Cannot write the log file any more: ${reason}`,
    );
  }
}
