import assert from "node:assert/strict";
import type { EntryProblem, HealthState } from "../../src/archive/report.ts";
import type { FailureCode } from "../../src/base/errors.ts";
import {
  exitCodeOf,
  exitCodeOfProblem,
  exitCodeOfState,
} from "../../src/cli/exit_code.ts";

// Records, so that the compiler asks for a row when a code is added.
const failureRows: Record<FailureCode, number> = {
  "not-found": 8,
  "exists": 8,
  "permission-denied": 8,
  "no-space": 8,
  "read-only": 8,
  "io": 8,
  "offline": 8,
  "unsafe-path": 8,
  "wrong-kind": 8,
  "ambiguous": 8,
  "source-changed": 8,
  "source-unreadable": 8,
  "unsupported-format": 8,
  "invalid-name": 16,
  "invalid-argument": 16,
  "invalid-config": 16,
  "damaged": 4,
  "locked": 32,
  "interrupted": 130,
};

Deno.test("exitCodeOf() gives every failure its code", () => {
  for (const [code, exitCode] of Object.entries(failureRows)) {
    assert.equal(exitCodeOf(code as FailureCode), exitCode, code);
  }
});

Deno.test("exitCodeOfState() gives every state its bits", () => {
  const rows: Record<HealthState, number> = {
    healthy: 0,
    repaired: 1,
    repairable: 4,
    lost: 4,
  };
  for (const [state, exitCode] of Object.entries(rows)) {
    assert.equal(exitCodeOfState(state as HealthState), exitCode, state);
  }
});

Deno.test("exitCodeOfProblem() tells damage from a newer format", () => {
  const rows: Record<EntryProblem["code"], number> = {
    "no-manifest": 4,
    "unreadable": 4,
    "unsupported-format": 8,
  };
  for (const [code, exitCode] of Object.entries(rows)) {
    assert.equal(exitCodeOfProblem(code as EntryProblem["code"]), exitCode);
  }
});
