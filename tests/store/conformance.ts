// The conformance suite: what every store must do, whatever it is made of. A store's test file calls
// registerConformance with a way to make an empty one and to plant what the interface cannot make.

import { testLocks } from "./conformance_locks.ts";
import { testModes, testReads, testWrites } from "./conformance_content.ts";
import {
  testFolders,
  testNames,
  testRemovals,
  testRenames,
} from "./conformance_names.ts";
import {
  testDurability,
  testLinks,
  testRefusals,
} from "./conformance_refusals.ts";
import type { ConformanceTest, StoreFixture } from "./fixture.ts";

/** Registers the suite's tests for the stores that `open` makes. */
export function registerConformance(
  storeName: string,
  open: () => StoreFixture,
): void {
  const test: ConformanceTest = (name, body) =>
    Deno.test(`${storeName}: ${name}`, async () => {
      using fixture = open();
      await body(fixture.store, fixture);
    });

  testReads(test);
  testWrites(test);
  testModes(test);
  testFolders(test);
  testNames(test);
  testRenames(test);
  testRemovals(test);
  testRefusals(test);
  testLinks(test);
  testDurability(test);
  testLocks(test);
}
