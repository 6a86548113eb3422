// Failure: the one error class for "the world failed" (a file that is not there, a full disk, bad
// input). Damage of an archive is never an error: it is data in a report. A mistake of ours is an
// AssertionError. Frontends translate a code once, at their border.

/** What went wrong, for a program; the message says it for a person. */
export type FailureCode =
  | "not-found" // nothing at that name
  | "exists" // something is there already
  | "permission-denied"
  | "no-space" // disk full or quota reached
  | "read-only" // the medium refuses writes
  | "io" // the device failed
  | "offline" // the disk or folder is not there any more
  | "unsafe-path" // a link, a special file or a name that leads outside
  | "wrong-kind" // a folder where a file is needed, or the reverse
  | "invalid-name" // a name that cannot be stored
  | "invalid-argument" // a value outside what is allowed
  | "invalid-config"
  | "ambiguous" // several entries answer to that name
  | "source-changed" // the source changed while it was read
  | "source-unreadable" // the source cannot be read
  | "damaged" // more was lost than the parity can rebuild
  | "unsupported-format" // written by a newer version
  | "locked" // another command writes to the archive
  | "interrupted";

/** Something outside this program failed, or its input was unusable. */
export class Failure extends Error {
  override readonly name: string = "Failure";
  /** What went wrong, for a program. */
  readonly code: FailureCode;

  /** A failure with a message of one sentence that says what failed, where, and why. */
  constructor(
    code: FailureCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
  }
}

/** Whether `error` is a Failure with one of `codes`. */
export function isFailure(
  error: unknown,
  ...codes: FailureCode[]
): error is Failure {
  return error instanceof Failure &&
    (codes.length === 0 || codes.includes(error.code));
}

/** The message of whatever was thrown, for putting it into a longer one. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
