// Shared mount: the settings that tests have in common when they mount a view themselves, without the
// program.

import { systemClock } from "../../src/base/ports.ts";
import type { MountRequest } from "../../src/mount/mount.ts";

/** What a view is mounted with where the test is not about settings: those of a plain `mount`. */
export const plainMount: Omit<
  MountRequest,
  "view" | "mountpoint" | "label" | "signal" | "onMounted"
> = {
  source: undefined,
  allowOther: false,
  uid: undefined,
  gid: undefined,
  mode: undefined,
  clock: systemClock,
  onFault: (error) => {
    throw error;
  },
};
