// The session, the server and the library's calls together: threads that are not ours bring requests
// through the stand-in, and answers go back by the library.

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { openWinfspLibraries } from "../../ffi/winfsp_library.ts";
import { decodeUtf8 } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { FakeView } from "./fake_view.ts";
import { Served } from "./served.ts";
import { type Opened, Standin } from "./standin.ts";

const folder = await Deno.makeTempDir();
const windows = await Standin.build(folder);
// The library stays in this process, its file need not.
await Deno.remove(folder, { recursive: true });

const files = {
  "a.txt": "hello",
  "b.txt": "x".repeat(300_000),
  dir: { "in.txt": "inside", link: { link: "in.txt" } },
};

function text(read: Uint8Array | string): string {
  return typeof read === "string" ? read : decodeUtf8(read)!;
}

/** A read that has reached the view, and waits there until the gate opens. */
async function startSlowRead(view: FakeView, file: Opened["file"]) {
  const gate = Promise.withResolvers<void>();
  view.gate = gate.promise;
  const slow = windows.read(file, 0, 5);
  await waitFor(() => view.waitCount === 1);
  return { gate, slow };
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("a volume is made, listed, read and ended", async () => {
  const view = new FakeView(files);
  await using served = await Served.at(windows, view);
  equal(served.place, "X:");
  deepEqual([...await windows.list("\\", 130)], [
    ["a.txt", 0x80],
    ["b.txt", 0x80],
    ["dir", 0x10],
  ]);
  deepEqual([...(await windows.list("\\DIR")).keys()], [
    ".",
    "..",
    "in.txt",
    "link",
  ]);
  equal(text(await windows.readFile("\\dir\\IN.TXT", 4)), "inside");
  equal(text(await windows.readFile("\\b.txt", 7001)), files["b.txt"]);
  equal((await windows.open("\\dir\\link")).status, "REPARSE");
  const { file } = await windows.open("\\a.txt");
  equal(await windows.read(file, 5, 1), "END_OF_FILE");
  equal(text(await windows.read(file, 2, 0)), "");
  equal(await windows.ask("QueryInformation", file), "SUCCESS");
  equal(await windows.ask("FlushBuffers", file), "SUCCESS");
  equal(await windows.ask("FileSystemControl", file), "NOT_A_REPARSE_POINT");
  equal(await windows.ask("Write", file), "MEDIA_WRITE_PROTECTED");
  equal(await windows.ask("SetInformation", file), "MEDIA_WRITE_PROTECTED");
  equal(await windows.ask("QuerySecurity", file), "INVALID_DEVICE_REQUEST");
  equal(await windows.ask("QueryVolumeInformation", 0n), "SUCCESS");
  equal(await windows.ask("Close", file), "SUCCESS");
});

Deno.test("files that are not open are refused, and close twice", async () => {
  await using _served = await Served.at(windows, new FakeView(files));
  const { file } = await windows.open("\\a.txt");
  equal(await windows.ask("Close", file), "SUCCESS");
  equal(await windows.ask("Close", file), "SUCCESS");
  for (const wrong of [file, 0n, 2n ** 64n - 1n]) {
    equal(await windows.read(wrong, 0, 1), "INVALID_PARAMETER");
    equal(await windows.ask("QueryInformation", wrong), "INVALID_PARAMETER");
  }
});

Deno.test("many ask at once, and what is slow holds up nobody", async () => {
  const view = new FakeView(files);
  await using _served = await Served.at(windows, view);
  const { file } = await windows.open("\\a.txt");
  equal(text(await windows.read(file, 0, 1)), "h");
  const gate = Promise.withResolvers<void>();
  view.gate = gate.promise;
  // More than there are threads in the library.
  const slow = Array.from({ length: 6 }, () => windows.read(file, 0, 5));
  await waitFor(() => view.waitCount === 6);
  view.gate = undefined;
  equal(text(await windows.read(file, 1, 3)), "ell");
  const many = await Promise.all(
    Array.from({ length: 40 }, () => windows.readFile("\\b.txt")),
  );
  for (const read of many) equal(text(read), files["b.txt"]);
  gate.resolve();
  for (const read of await Promise.all(slow)) equal(text(read), "hello");
  const { inFlightMax } = windows.count();
  ok(inFlightMax > 1, "several threads had a request at once");
});

Deno.test("a stop waits for what is under way, and takes nothing new", async () => {
  const view = new FakeView(files);
  await using served = await Served.at(windows, view);
  const { file } = await windows.open("\\a.txt");
  const { gate, slow } = await startSlowRead(view, file);
  served.stop();
  let isEnded = false;
  served.ended.then(() => isEnded = true);
  while (await windows.read(file, 0, 5) !== "DEVICE_NOT_READY");
  equal(await windows.ask("Close", file), "SUCCESS");
  equal(isEnded, false);
  gate.resolve();
  equal(text(await slow), "hello");
  await served.ended;
  equal((await windows.open("\\a.txt")).status, "DEVICE_NOT_READY");
  equal(view.openCount, 0);
});

Deno.test("a driver that ends the volume ends the mount; late answers touch nothing", async () => {
  const view = new FakeView(files);
  await using served = await Served.at(windows, view);
  const { file } = await windows.open("\\a.txt");
  const { gate, slow } = await startSlowRead(view, file);
  windows.vanish();
  equal(await slow, "CANCELLED"); // and its memory is unmapped
  await waitFor(() => windows.count().dispatchers === 0); // which we were told
  gate.resolve();
  await served.ended;
  equal(view.openCount, 0);
});

Deno.test("a mistake of ours is an answer, too", async () => {
  const view = new FakeView(files);
  const faults: unknown[] = [];
  await using _served = await Served.at(windows, view, {
    onFault: (error) => faults.push(error),
  });
  view.node = () => {
    throw new TypeError("ours");
  };
  equal((await windows.open("\\a.txt")).status, "INTERNAL_ERROR");
  match(`${faults[0]}`, /ours/);
});

Deno.test("mounting again and again leaves no thread and no file behind", async () => {
  const cycle = async () => {
    await using _served = await Served.at(windows, new FakeView(files));
    equal(text(await windows.readFile("\\a.txt")), "hello");
  };
  const count = (kind: string) =>
    [...Deno.readDirSync(`/proc/self/${kind}`)].length;
  for (let times = 0; times < 5; times++) await cycle();
  const threads = count("task"), descriptors = count("fd");
  for (let times = 0; times < 50; times++) await cycle();
  // The runtime's own pool of threads comes and goes.
  ok(
    count("task") <= threads + 10,
    `${threads} threads, then ${count("task")}`,
  );
  equal(count("fd"), descriptors);
});

Deno.test("a place that is taken, and options that mean nothing, are refused", async () => {
  const view = new FakeView(files);
  const rows: [object, string, RegExp][] = [
    [{ mountpoint: "C:" }, "exists", /"C:": that is taken/],
    [{ mountpoint: "/none/x" }, "not-found", /folder that it is in is not/],
    [{ uid: 0 }, "invalid-argument", /--uid means nothing on Windows/],
    [{ mode: 0o400 }, "invalid-argument", /--mode means nothing/],
    [{ allowOther: true }, "invalid-argument", /--allow-other means/],
  ];
  for (const [more, code, message] of rows) {
    await rejects(Served.at(windows, view, more), (error) => {
      ok(isFailure(error) && error.code === code, `${error}`);
      match(error.message, message);
      return true;
    });
  }
  deepEqual(
    { ...windows.count(), callbacks: 0 },
    {
      callbacks: 0,
      pendings: 0,
      strays: 0,
      misshapen: 0,
      inFlightMax: 0,
      volumes: 0,
      dispatchers: 0,
    },
  );
});

Deno.test("any free drive, and drives of all sessions", async () => {
  const view = new FakeView(files);
  for (
    const [mountpoint, place] of [
      ["*", "Z:"],
      ["y:/", "Y:"],
      ["\\\\.\\Q:", "\\\\.\\Q:"],
    ]
  ) {
    await using served = await Served.at(windows, view, {
      mountpoint: mountpoint!,
    });
    equal(served.place, place);
  }
});

Deno.test("without WinFsp the message says where to get it", () => {
  for (const file of ["/none/winfsp-x64.dll", "libc.so.6"]) {
    try {
      openWinfspLibraries({ winfsp: [file], memory: "libc.so.6" });
      ok(false, "it opened");
    } catch (error) {
      ok(isFailure(error, "not-found"), `${error}`);
      match(error.message, /WinFsp is not on this machine, or too old/);
      match(error.message, /winfsp\.dev/);
    }
  }
});
