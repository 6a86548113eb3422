// Ports: all that the command line needs of the world, as one parameter. The composition root fills
// it with the system's; tests with fakes. Nothing below reaches around it.

import type { Archive, ArchiveOptions } from "../archive/archive.ts";
import type { ByteReader, ByteWriter } from "../base/byte_stream.ts";
import type { Clock } from "../base/ports.ts";
import type { MountRequest } from "../mount/mount.ts";
import type { Started } from "./background.ts";

/** Where text goes. */
export interface TextSink {
  /** Whether a person is looking at it. */
  readonly isTerminal: boolean;
  /** Writes all of `text`. @throws {OutputClosed} where that is not possible any more */
  write(text: string): void;
}

/**
 * Text cannot be written any more. Without a cause its reader went away (`| head`): stop without a
 * word. Else what it is redirected to failed (a full disk), and somebody should know.
 */
export class OutputClosed extends Error {
  override readonly name: string = "OutputClosed";
}

/** The environment variables that are ever looked at. The task `start` permits no others. */
export const variableNames = [
  "APPDATA",
  "BLOCKFRAME_ARCHIVE",
  "BLOCKFRAME_CONFIG",
  "BLOCKFRAME_DEBUG",
  "BLOCKFRAME_LOG_LEVEL",
  "BLOCKFRAME_WORKERS",
  "HOME",
  "NO_COLOR",
  "TERM",
  "XDG_CONFIG_HOME",
] as const;

/** One of them. */
export type VariableName = typeof variableNames[number];

/** The signals that ask a run to stop. */
export type StopSignal = "SIGINT" | "SIGTERM";

/** The world as the command line sees it. */
export interface Ports {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Whether a person can answer a question. */
  readonly stdinIsTerminal: boolean;
  readonly clock: Clock;
  readonly system: "windows" | "darwin" | "other";
  /** Standard output for bytes. Its writes throw {@link OutputClosed}. */
  readonly stdoutBytes: ByteWriter;
  /** Standard input as bytes. */
  readonly stdin: ByteReader;
  /** The next line of standard input, or undefined at its end. */
  readAnswer(): Promise<string | undefined>;
  /** Width of the terminal that shows standard error. */
  columnCount(): number;
  /** Undefined where it is unset, or where the sandbox does not let us see it. */
  readVariable(name: VariableName): string | undefined;
  /** Content of a small text file. @throws whatever the system throws */
  readTextFile(path: string): Promise<string>;
  /** Opens an archive. @throws {Failure} */
  openArchive(options: ArchiveOptions): Promise<Archive>;
  /** Calls `listener` at every stop signal until disposed. */
  onStopSignal(listener: (signal: StopSignal) => void): Disposable;
  /** Gives up calls of native libraries, for good: only trees need them. */
  giveUpForeignCalls(): void;
  /** Gives up, for good, whatever could change something or reach anything but files. */
  giveUpChanges(): void;
  /** Whether a folder holds at most so many names. @throws whatever the system throws */
  hasFewNames(path: string, countMax: number): boolean;
  /**
   * Makes an empty folder that only this user can look into, in `parent` or where the system has
   * such; gives its path without links. @throws whatever the system throws
   */
  makeTemporaryFolder(parent: string | undefined): string;
  /** Removes a folder and all below it. @throws whatever the system throws */
  removeFolder(path: string): void;
  /** `path` from the root of the file system on. */
  absolutePath(path: string): string;
  /** From here on no subprocess can be started. */
  giveUpSubprocesses(): void;
  /** Mounts and serves until it ends. @throws {Failure} */
  mountView(request: MountRequest): Promise<void>;
  /** Starts this program once more, to stay when this process ends. */
  startBackground(args: readonly string[]): Promise<Started>;
  /** Ends the process at once. */
  exit(code: number): void;
}
