// Output: the only thing here that writes. Results and JSON go to standard output, messages and the
// status line to standard error. A line is made of spans; every span is escaped before it is styled,
// so that no name from a disk can control the terminal, however it got into a message.

import { OutputClosed, type TextSink } from "./ports.ts";
import { escapeText } from "./text.ts";

/** How a span looks where colours are on. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** A piece of a line. */
export type Span = string | { readonly style: Style; readonly text: string };

/** Spans that make one line. */
export type Line = readonly Span[];

/** `text` with a look. */
export function styled(style: Style, text: string): Span {
  return { style, text };
}

// SGR parameters (ECMA-48, section 8.3.117).
const styleCodes: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  cyan: 36,
};

// A call of the system costs as much as writing some thousand characters.
const writeLengthMin = 16_384;

/** Whether and how to write. */
export interface OutputOptions {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Whether colours may be used at all; they still need a terminal. */
  readonly color: boolean;
  /** Results become JSON documents on standard output. */
  readonly json: boolean;
  /** Leaves out results that say that all is well. */
  readonly quiet: boolean;
}

/** What a run prints. */
export class Output {
  /** Whether results are JSON. */
  readonly json: boolean;
  /** Whether results that say that all is well are left out. */
  readonly quiet: boolean;
  #stdout: TextSink;
  #stderr: TextSink;
  #color: boolean;
  #stderrClosed = false;
  #statusShown = false;
  #questionOpen = false;

  /** An output over the two sinks. */
  constructor(options: OutputOptions) {
    this.json = options.json;
    this.quiet = options.quiet;
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.#color = options.color;
  }

  /** A line of the result; nothing with `--json`. */
  result(...line: Line): void {
    if (this.json) return;
    this.clearStatus();
    this.#stdout.write(
      formatLine(line, this.#color && this.#stdout.isTerminal) + "\n",
    );
  }

  /** Many lines of the result; nothing with `--json`. */
  results(lines: Iterable<Line>): void {
    if (this.json) return;
    this.clearStatus();
    const color = this.#color && this.#stdout.isTerminal;
    let text = "";
    for (const line of lines) {
      text += `${formatLine(line, color)}\n`;
      if (text.length < writeLengthMin) continue;
      this.#stdout.write(text);
      text = "";
    }
    if (text !== "") this.#stdout.write(text);
  }

  /** A line of the result for a program that reads it: exact, unless a terminal shows it. */
  exactResult(text: string): void {
    if (this.json) return;
    this.clearStatus();
    const shown = this.#stdout.isTerminal ? escapeText(text) : text;
    this.#stdout.write(shown + "\n");
  }

  /** A result that says that all is well; nothing with `--json` or `--quiet`. */
  goodNews(...line: Line): void {
    if (!this.quiet) this.result(...line);
  }

  /** A JSON document in one line; nothing without `--json`. */
  document(value: Readonly<Record<string, unknown>>): void {
    if (!this.json) return;
    this.clearStatus();
    this.#stdout.write(JSON.stringify(value) + "\n");
  }

  /** A line for a person, on standard error. */
  message(...line: Line): void {
    this.clearStatus();
    this.closeQuestion("\n");
    this.#writeError(
      formatLine(line, this.#color && this.#stderr.isTerminal) + "\n",
    );
  }

  /** A question whose answer is typed behind it. */
  question(...line: Line): void {
    this.clearStatus();
    this.#writeError(
      formatLine(line, this.#color && this.#stderr.isTerminal) + " ",
    );
    this.#questionOpen = true;
  }

  /** The question was answered; `end` ends its line where the answer did not. */
  closeQuestion(end: "" | "\n" = ""): void {
    if (this.#questionOpen) this.#writeError(end);
    this.#questionOpen = false;
  }

  /** Shows `text` as the status line, in place of the one before it. */
  showStatus(text: string): void {
    if (!this.#stderr.isTerminal) return;
    this.#writeError(`\r${escapeText(text)}\x1b[K`);
    this.#statusShown = true;
  }

  /** Takes the status line away. */
  clearStatus(): void {
    if (!this.#statusShown) return;
    this.#statusShown = false;
    this.#writeError("\r\x1b[K");
  }

  // Nobody to tell is no reason to stop: the exit code still says how it went.
  #writeError(text: string): void {
    if (this.#stderrClosed) return;
    try {
      this.#stderr.write(text);
    } catch (error) {
      if (!(error instanceof OutputClosed)) throw error;
      this.#stderrClosed = true;
    }
  }
}

/** The text of a line, escaped, with or without colours. */
export function formatLine(line: Line, color: boolean): string {
  let text = "";
  for (const span of line) {
    if (typeof span === "string") text += escapeText(span);
    else if (!color) text += escapeText(span.text);
    else {
      text += `\x1b[${styleCodes[span.style]}m${escapeText(span.text)}\x1b[0m`;
    }
  }
  return text;
}
