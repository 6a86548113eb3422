import assert from "node:assert/strict";
// Loaded before the tests: it opens the C library, for good.
import "../../src/archive/self_test.ts";
import { documentsOf, newWorld, run } from "./fakes.ts";

Deno.test("self-test says what it could not try, and that this is no failure", async () => {
  const world = newWorld();
  assert.equal(await run(world, "self-test"), 0);
  assert.match(world.stdout, /^✓ digests: .*\n✓ parity: /);
  assert.match(
    world.stdout,
    /^- files: skipped: no temporary folder can be made: Read-only file system; --dir names another place$/m,
  );
  assert.match(world.stdout, /^8 parts: \d ok, .*5 skipped$/m);
  const json = newWorld();
  assert.equal(await run(json, "self-test", "--json"), 0);
  const [document] = documentsOf(json);
  assert.deepEqual(Object.keys(document!), [
    "type",
    "schema",
    "version",
    "findings",
    "exitCode",
  ]);
  const quiet = newWorld();
  assert.equal(await run(quiet, "self-test", "-q"), 0);
  assert.equal(quiet.stdout + quiet.stderr, "");
});
