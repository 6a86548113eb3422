// Session: what one command works with: its settings, its output and log, the signal that stops it,
// and the way to its archive. Progress and the engine's events are wired up here, once.

import type { Archive } from "../archive/archive.ts";
import type { ArchiveEvent, SkippedPath } from "../archive/report.ts";
import { Failure } from "../base/errors.ts";
import type { Settings } from "./config.ts";
import { exitCodes } from "./exit_code.ts";
import type { Log } from "./log.ts";
import type { Output } from "./output.ts";
import type { Ports, StopSignal } from "./ports.ts";
import type { Progress } from "./progress.ts";
import { formatSize } from "./size.ts";
import { quoteArgument } from "./text.ts";

/** Paths of a tree that are told one by one when they do not come into its entry. */
const skippedToldMax = 20;

const skippedReasons: Readonly<Record<SkippedPath["reason"], string>> = {
  special: "a device, a pipe or a socket",
  archive: "the archive itself",
  "other-file-system": "on another file system",
  unreadable: "not readable",
  changed: "not what it was when it was looked at",
  vanished: "not there any more",
};

/** One run of one command. */
export class Session {
  readonly ports: Ports;
  readonly settings: Settings;
  readonly output: Output;
  readonly log: Log;
  /** Whether everything is to be told. */
  readonly verbose: boolean;
  /** How long to wait for another command that writes; undefined as long as the engine does. */
  readonly lockWaitMs: number | undefined;
  /** Whether the archive could be opened: a later `not-found` is about an entry. */
  archiveOpened = false;
  #progress: Progress | undefined;
  #stop: AbortController = new AbortController();
  #skippedCount = 0;
  #stopSignal: StopSignal | undefined;

  /** A session over its parts. */
  constructor(parts: {
    readonly ports: Ports;
    readonly settings: Settings;
    readonly output: Output;
    readonly log: Log;
    readonly verbose: boolean;
    readonly lockWaitMs: number | undefined;
    readonly progress: Progress | undefined;
  }) {
    this.ports = parts.ports;
    this.settings = parts.settings;
    this.output = parts.output;
    this.log = parts.log;
    this.verbose = parts.verbose;
    this.lockWaitMs = parts.lockWaitMs;
    this.#progress = parts.progress;
  }

  /** Whether a signal asked this run to stop. */
  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Aborted when a signal asks this run to stop. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** The exit code of a run that was stopped. */
  get stopCode(): number {
    return this.#stopSignal === "SIGTERM"
      ? exitCodes.terminated
      : exitCodes.interrupted;
  }

  /** The first signal stops cleanly; the second ends the process at once. */
  readonly onStopSignal = (signal: StopSignal): void => {
    if (this.#stopSignal !== undefined) {
      this.output.clearStatus();
      this.ports.exit(this.stopCode);
      return;
    }
    this.#stopSignal = signal;
    this.log.warn("Stopping; once more stops at once", { signal });
    this.#stop.abort(new Failure("interrupted", "Interrupted"));
  };

  /** Opens the archive of this run. @throws {Failure} as the engine's openArchive */
  async openArchive(
    options: {
      /** Another folder than this run's archive. */
      readonly path?: string;
      readonly create?: boolean;
      readonly durability?: "full" | "fast" | undefined;
    } = {},
  ): Promise<Archive> {
    this.assertRunning();
    const { archive, workers, tiers, segmentBytes } = this.settings;
    const opened = await this.ports.openArchive({
      path: options.path ?? archive,
      create: options.create ?? false,
      ...(workers === undefined ? {} : { workers }),
      ...(tiers === undefined ? {} : { tiers }),
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
      ...(options.durability === undefined
        ? {}
        : { durability: options.durability }),
      ...(this.lockWaitMs === undefined ? {} : { lockWaitMs: this.lockWaitMs }),
      onEvent: this.#onEvent,
      signal: this.#stop.signal,
    });
    this.archiveOpened = true;
    return opened;
  }

  /** @throws {Failure} `interrupted` once a signal asked this run to stop */
  assertRunning(): void {
    if (this.stopped) throw new Failure("interrupted", "Interrupted");
  }

  /** The answer to a question, or undefined. @throws {Failure} `interrupted` instead of waiting on */
  async readAnswer(): Promise<string | undefined> {
    const stopped = new Promise<undefined>((resolve) =>
      this.#stop.signal.addEventListener("abort", () => resolve(undefined))
    );
    const answer = await Promise.race([this.ports.readAnswer(), stopped]);
    this.assertRunning();
    this.output.closeQuestion(answer === undefined ? "\n" : "");
    return answer;
  }

  /** A command line for a hint, naming the same archive as this run. */
  formatCommand(...words: readonly string[]): string {
    const archive = this.settings.archiveFrom === "flag"
      ? ["--archive", this.settings.archive]
      : [];
    return ["blockframe", ...words, ...archive].map(quoteArgument).join(" ");
  }

  #tellResumed(event: Extract<ArchiveEvent, { kind: "resumed" }>): void {
    const message = `Going on with a commit of ${event.name} that was cut ` +
      `off: ${formatDone(event)} written, which is verified`;
    this.log.info(message, { ...event });
    if (!this.output.quiet) this.output.message(message);
  }

  /** The first ones as warnings: a tree may have thousands, and their number is said at the end. */
  #tellSkipped({ path, reason, problem }: SkippedPath, refused: boolean): void {
    const isExpected = reason === "archive" || reason === "other-file-system";
    const count = isExpected ? this.#skippedCount : ++this.#skippedCount;
    const level = isExpected
      ? "info"
      : count <= skippedToldMax
      ? "warn"
      : "debug";
    const message = problem === undefined
      ? `"${path}" is ${skippedReasons[reason]}`
      : problem.includes(path)
      ? problem
      : `"${path}": ${problem}`;
    const what = refused ? "In the way" : "Left out";
    this.log[level](`${what}: ${message}`, { path, reason });
    if (!isExpected && count === skippedToldMax) {
      this.log.warn("What else there is of the kind is only counted");
    }
  }

  readonly #onEvent = (event: ArchiveEvent): void => {
    this.#progress?.follow(event);
    switch (event.kind) {
      case "start":
        this.log.debug(`Starting ${event.operation} of ${event.name}`, {
          operation: event.operation,
          name: event.name,
          bytesTotal: event.bytesTotal,
        });
        break;
      case "damage":
        this.log.info(
          `Damage in ${event.folder}: ${event.damage.file} is ${event.damage.cause}`,
          { folder: event.folder, damage: event.damage },
        );
        break;
      case "warning":
        this.log.warn(event.message);
        break;
      case "resumed":
        this.#tellResumed(event);
        break;
      case "kept":
        this.log.warn(
          `What was written of ${event.name} (${
            formatDone(event)
          }) is kept in ` +
            event.folder,
          { ...event },
        );
        this.log.hint(
          "the same commit goes on with it; `" +
            this.formatCommand("cleanup", "--older-than", "0h") +
            "` removes it",
          "warn",
        );
        break;
      case "note":
        this.log.debug(event.message);
        break;
      case "waiting":
        this.log.info(event.message);
        if (!this.output.quiet) this.output.message(event.message);
        break;
      case "skipped":
        this.#tellSkipped(event.skipped, event.refused);
        break;
      case "walk":
      case "progress":
      case "finish":
        break;
    }
  };
}

function formatDone(
  event: { readonly bytesDone: number; readonly bytesTotal: number },
): string {
  return `${formatSize(event.bytesDone)} of ${formatSize(event.bytesTotal)}`;
}
