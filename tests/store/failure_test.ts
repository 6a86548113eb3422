import { strictEqual, throws } from "node:assert/strict";
import { AssertionError } from "../../src/base/assert.ts";
import { Failure, type FailureCode } from "../../src/base/errors.ts";
import { errnoOf, failureOf, formatAttempt } from "../../src/store/failure.ts";

const attempt = formatAttempt("read", "segments/segment_0.dat", "/archive");

function systemError(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

const rows: readonly (readonly [FailureCode, errnos: readonly string[]])[] = [
  ["not-found", ["ENOENT"]],
  ["exists", ["EEXIST", "ENOTEMPTY"]],
  ["permission-denied", ["EACCES", "EPERM"]],
  ["no-space", ["ENOSPC", "EDQUOT", "EFBIG"]],
  ["read-only", ["EROFS"]],
  ["io", ["EIO", "EREMOTEIO", "EUCLEAN", "EBUSY", "EMFILE", "EXDEV", "EWHAT"]],
  ["offline", ["ENODEV", "ENXIO", "ENOTCONN", "ESTALE", "ENOMEDIUM"]],
  ["wrong-kind", ["ENOTDIR", "EISDIR"]],
  ["unsafe-path", ["ELOOP"]],
  ["invalid-name", ["ENAMETOOLONG", "EILSEQ"]],
  ["invalid-argument", ["EINVAL"]],
];

for (const [code, errnos] of rows) {
  Deno.test(`failureOf() makes ${code} of ${errnos.join(", ")}`, () => {
    for (const errno of errnos) {
      const error = systemError("whatever", errno);
      const failure = failureOf(attempt, error);
      strictEqual(failure.code, code);
      strictEqual(failure.cause, error);
      strictEqual(failure.message.endsWith(` (${errno})`), true);
    }
  });
}

Deno.test("failureOf() says what failed, where and why", () => {
  strictEqual(
    failureOf(attempt, systemError("Input/output error", "EIO")).message,
    'Cannot read "segments/segment_0.dat" of /archive: the device reported an error (EIO)',
  );
  strictEqual(
    failureOf(attempt, new Error("odd")).message,
    'Cannot read "segments/segment_0.dat" of /archive: the system reported an error (odd)',
  );
  strictEqual(formatAttempt("list", "", "/archive"), "Cannot list /archive");
});

Deno.test("errnoOf() reads the number where Deno gives no code", () => {
  const text = (number: number) =>
    systemError(`Something (os error ${number}): open 'x'`);
  for (
    const [os, number, errno] of [
      ["linux", 116, "ESTALE"],
      ["linux", 122, "EDQUOT"],
      ["linux", 19, "ENODEV"],
      ["darwin", 70, "ESTALE"],
      ["darwin", 69, "EDQUOT"],
      ["windows", 112, "ENOSPC"],
      ["windows", 19, "EROFS"],
      ["windows", 1117, "EIO"],
      ["linux", 4095, undefined],
    ] as const
  ) strictEqual(errnoOf(text(number), os), errno);
  strictEqual(errnoOf("text"), undefined);
});

Deno.test("failureOf() keeps a Failure, and lets mistakes of ours through", () => {
  const failure = new Failure("damaged", "as it was");
  strictEqual(failureOf(attempt, failure), failure);
  throws(() => failureOf(attempt, new AssertionError("ours")), AssertionError);
  const closed = new Deno.errors.BadResource("Bad resource ID");
  throws(() => failureOf(attempt, closed), AssertionError);
});

Deno.test("failureOf() makes permission-denied of what the sandbox refuses", () => {
  const refused = new Deno.errors.NotCapable("Requires read access");
  strictEqual(failureOf(attempt, refused).code, "permission-denied");
});
