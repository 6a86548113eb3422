// Every failure as the error number that a program on a mount sees.

import { equal } from "node:assert/strict";
import type { ErrorName } from "../../ffi/fuse_layout.ts";
import { Failure, type FailureCode } from "../../src/base/errors.ts";
import { errnoOf } from "../../src/mount/errno.ts";

const rows: Record<FailureCode, ErrorName> = {
  "not-found": "ESTALE",
  "exists": "EINVAL",
  "permission-denied": "EACCES",
  "no-space": "ENOMEM",
  "read-only": "EROFS",
  "io": "EIO",
  "offline": "ENODEV",
  "unsafe-path": "EIO",
  "wrong-kind": "ENOTDIR",
  "invalid-name": "EINVAL",
  "invalid-argument": "EINVAL",
  "invalid-config": "EINVAL",
  "ambiguous": "EINVAL",
  "locked": "EINVAL",
  "source-changed": "EIO",
  "source-unreadable": "EIO",
  "damaged": "EIO",
  "unsupported-format": "EOPNOTSUPP",
  "interrupted": "EINTR",
};

for (const [code, name] of Object.entries(rows)) {
  Deno.test(`errnoOf(${code}) is ${name}`, () => {
    const failure = new Failure(code as FailureCode, "it failed");
    equal(errnoOf(failure), name);
  });
}

Deno.test("errnoOf() of a mistake of ours is EIO", () => {
  equal(errnoOf(new TypeError("no")), "EIO");
});
