// Progress: one line on the terminal, such as `commit video.mp4  43 %  412 MiB/s  ETA 0:12`, drawn
// at most ten times a second and taken away at the end. Knows time only through its clock.

import type { ArchiveEvent } from "../archive/report.ts";
import type { Clock } from "../base/ports.ts";
import type { Output } from "./output.ts";
import { formatSize } from "./size.ts";
import { cutText, escapeText, formatCount, measureColumns } from "./text.ts";

const drawIntervalMs = 100;
// The rate is that of the last seconds, so that it follows a disk that slows down.
const rateWindowMs = 5_000;
const sampleIntervalMs = 250;
// A rate from less than this is noise.
const rateSpanMsMin = 500;

interface Sample {
  readonly atMs: number;
  readonly bytesDone: number;
}

/** Shows how far the running operation is. */
export class Progress {
  #output: Output;
  #clock: Clock;
  #columnCount: () => number;
  #title = "";
  #samples: Sample[] = [];
  #drawnAtMs = 0;
  #fileCount = 0;
  #filesDone = 0;

  /** Shows on the status line of `output`. */
  constructor(output: Output, clock: Clock, columnCount: () => number) {
    this.#output = output;
    this.#clock = clock;
    this.#columnCount = columnCount;
  }

  /** Follows the engine. */
  readonly follow = (event: ArchiveEvent): void => {
    if (event.kind === "start") {
      this.#start(event.operation, event.name, event.fileCount);
    } else if (event.kind === "walk") this.#walk(event.name, event.fileCount);
    else if (event.kind === "progress") {
      this.#filesDone = event.filesDone ?? 0;
      this.#advance(event.bytesDone, event.bytesTotal);
    } else if (event.kind === "finish") this.#output.clearStatus();
  };

  #start(operation: string, name: string, fileCount: number = 0): void {
    const nowMs = this.#clock.monotonicMs();
    this.#title = `${operation} ${escapeText(name)}`;
    this.#fileCount = fileCount;
    this.#filesDone = 0;
    this.#samples = [{ atMs: nowMs, bytesDone: 0 }];
    // What is over within the first interval never flickers up.
    this.#drawnAtMs = nowMs;
  }

  /** Nobody knows yet how many there are. */
  #walk(name: string, fileCount: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#drawnAtMs < drawIntervalMs) return;
    this.#drawnAtMs = nowMs;
    const columns = Math.max(0, this.#columnCount() - 1);
    const text = `${formatCount(fileCount, "file")} in ${escapeText(name)}`;
    this.#output.showStatus(cutText(text, columns));
  }

  #advance(bytesDone: number, bytesTotal: number | undefined): void {
    const nowMs = this.#clock.monotonicMs();
    const last = this.#samples.at(-1);
    if (last === undefined || nowMs - last.atMs >= sampleIntervalMs) {
      this.#samples.push({ atMs: nowMs, bytesDone });
      while (
        this.#samples.length > 2 && nowMs - this.#samples[1]!.atMs >
          rateWindowMs
      ) this.#samples.shift();
    }
    if (nowMs - this.#drawnAtMs < drawIntervalMs) return;
    this.#drawnAtMs = nowMs;
    const rate = measureRate(this.#samples[0], { atMs: nowMs, bytesDone });
    this.#output.showStatus(formatProgress({
      title: this.#title,
      ...(this.#fileCount === 0
        ? {}
        : { filesDone: this.#filesDone, fileCount: this.#fileCount }),
      bytesDone,
      bytesTotal,
      bytesPerSecond: rate,
      columnCount: this.#columnCount(),
    }));
  }
}

/** The status line; the title gives way where the terminal is narrow. */
export function formatProgress(state: {
  readonly title: string;
  /** Of a tree. */
  readonly filesDone?: number;
  readonly fileCount?: number;
  readonly bytesDone: number;
  /** Undefined for a stream that has not ended. */
  readonly bytesTotal: number | undefined;
  /** Undefined while it is not known. */
  readonly bytesPerSecond: number | undefined;
  readonly columnCount: number;
}): string {
  const { bytesDone, bytesTotal, bytesPerSecond } = state;
  let figures = `  ${formatShare(bytesDone, bytesTotal)}`;
  if (state.fileCount !== undefined) {
    figures += `  ${state.filesDone ?? 0}/${state.fileCount} files`;
  }
  if (bytesPerSecond !== undefined) {
    figures += `  ${formatSize(Math.round(bytesPerSecond))}/s`;
    if (bytesPerSecond > 0 && bytesTotal !== undefined) {
      const seconds = Math.max(0, bytesTotal - bytesDone) / bytesPerSecond;
      figures += `  ETA ${formatSeconds(seconds)}`;
    }
  }
  // A full line would wrap and could not be erased.
  const free = state.columnCount - 1 - measureColumns(figures);
  if (free >= 4) return cutText(state.title, free) + figures;
  return cutText(figures.trimStart(), Math.max(0, state.columnCount - 1));
}

function formatShare(bytesDone: number, bytesTotal: number | undefined) {
  if (bytesTotal === undefined) return formatSize(bytesDone);
  const share = bytesTotal > 0 ? Math.min(1, bytesDone / bytesTotal) : 1;
  return `${Math.floor(share * 100)} %`;
}

/** `0:07`, `12:34`, `3:04:05`; days and more as `4 d 3 h`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  const hours = Math.floor(whole / 3600);
  if (hours >= 48) {
    return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  }
  const minuteText = String(Math.floor(whole / 60) % 60);
  const secondText = String(whole % 60).padStart(2, "0");
  return hours > 0
    ? `${hours}:${minuteText.padStart(2, "0")}:${secondText}`
    : `${minuteText}:${secondText}`;
}

function measureRate(first: Sample | undefined, last: Sample) {
  if (first === undefined) return undefined;
  const elapsedMs = last.atMs - first.atMs;
  if (elapsedMs < rateSpanMsMin) return undefined;
  return Math.max(0, (last.bytesDone - first.bytesDone) / elapsedMs * 1000);
}
