import { strictEqual, throws } from "node:assert/strict";
import {
  assert,
  AssertionError,
  present,
  unreachable,
} from "../../src/base/assert.ts";
import { Failure, isFailure, messageOf } from "../../src/base/errors.ts";

Deno.test("assert() and present() stop what must not be", () => {
  assert(true, "fine");
  strictEqual(present(0, "zero is there"), 0);
  throws(() => assert(false, "water is dry"), /Broken invariant: water is dry/);
  throws(() => present(undefined, "something"), AssertionError);
  throws(() => unreachable("x" as never), AssertionError);
});

Deno.test("isFailure() knows failures by their codes", () => {
  const failure = new Failure("io", "the device failed");
  strictEqual(isFailure(failure), true);
  strictEqual(isFailure(failure, "io", "no-space"), true);
  strictEqual(isFailure(failure, "no-space"), false);
  strictEqual(isFailure(new Error("io")), false);
});

Deno.test("messageOf() takes whatever was thrown", () => {
  strictEqual(messageOf(new Error("a")), "a");
  strictEqual(messageOf("b"), "b");
});
