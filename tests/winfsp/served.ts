// Served: a view mounted by the code for Windows, in this process, with the stand-in in WinFsp's place.

import { deepEqual, equal } from "node:assert/strict";
import { systemClock } from "../../src/base/ports.ts";
import type { MountRequest } from "../../src/mount/mount.ts";
import { mountWithWinfsp } from "../../src/mount/winfsp_mount.ts";
import type { View } from "../../src/view/view.ts";
import type { Standin } from "./standin.ts";

/** A mount that is being served. */
export class Served implements AsyncDisposable {
  /** Where it is, as the library says. */
  readonly place: string;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  readonly #windows: Standin;
  readonly #stop: AbortController;
  readonly #faults: unknown[];

  private constructor(
    windows: Standin,
    place: string,
    ended: Promise<void>,
    stop: AbortController,
    faults: unknown[],
  ) {
    this.#windows = windows;
    this.place = place;
    this.ended = ended;
    this.#stop = stop;
    this.#faults = faults;
  }

  /** Mounts, and comes back once it can be used. */
  static async at(
    windows: Standin,
    view: View,
    more: Partial<MountRequest> = {},
  ): Promise<Served> {
    windows.count();
    const stop = new AbortController();
    const faults: unknown[] = [];
    const ready = Promise.withResolvers<string>();
    const ended = mountWithWinfsp({
      view,
      mountpoint: "x:\\",
      source: undefined,
      label: "/srv/photos",
      allowOther: false,
      uid: undefined,
      gid: undefined,
      mode: undefined,
      signal: stop.signal,
      clock: systemClock,
      onMounted: ready.resolve,
      onFault: (error) => faults.push(error),
      ...more,
    }, windows.place);
    const place = await Promise.race([
      ready.promise,
      ended.then(() => "ended before it began"),
    ]);
    return new Served(windows, place, ended, stop, faults);
  }

  /** Asks it to stop; `ended` says when it has. */
  stop(): void {
    this.#stop.abort();
  }

  /** Ends it; nothing may be left over, and no answer may have been wrong. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.ended;
    const { strays, misshapen, volumes, dispatchers } = this.#windows.count();
    deepEqual({ strays, misshapen }, { strays: 0, misshapen: 0 });
    deepEqual({ volumes, dispatchers }, { volumes: 0, dispatchers: 0 });
    equal(this.#faults.length, 0, `${this.#faults[0]}`);
  }
}
