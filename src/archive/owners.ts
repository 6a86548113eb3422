// Owners: what a repair by root made anew becomes the archive owner's.

import type { EngineContext } from "./context.ts";

/** No repair waits longer than that, whatever the clocks say. */
const waitMsMax = 3000;

/**
 * Gives what root made in folders of others to whom they belong, and says once what could not be
 * given. Without anything to give it takes no time, else a second or two.
 */
export async function giveBackMade(context: EngineContext): Promise<void> {
  const { owners, clock, emit, locking } = context;
  const waitMs = owners?.waitMs(clock.nowMs());
  if (owners === undefined || waitMs === undefined) return;
  // Not cut short by a signal: what is made is to be given.
  await locking?.pause(Math.min(waitMs, waitMsMax), undefined);
  const failedCount = owners.giveBack(clock.nowMs());
  if (failedCount === 0) return;
  const what = failedCount === 1
    ? "1 file or folder"
    : `${failedCount} files and folders`;
  const message =
    `The repair made ${what} anew that could not be given to the owner of the ` +
    `folder: root has them now`;
  emit({ kind: "warning", message });
}
