// Listing a large archive, with and without its index: the whole program, as a user runs it, in
// milliseconds and at its highest memory. The entries are made by writing their manifests: what a
// listing reads of them, and nothing else.
//
//   deno run -A bench/list_index.ts [--entries 100000] [--folder /var/tmp] [--rounds 3]

import { Codec } from "../src/codec/mod.ts";
import { entryFolder, indexFile } from "../src/format/entry_path.ts";
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
} from "../src/format/manifest.ts";
import { openArchive } from "../src/archive/archive.ts";
import { optionOf, program } from "./program.ts";

/** Makes the archive: one entry by the engine, the rest from its manifest. */
async function makeArchive(folder: string, entryCount: number): Promise<void> {
  await using archive = await openArchive({
    path: folder,
    create: true,
    durability: "fast",
  });
  const source = `${folder}-source`;
  await Deno.writeFile(source, new Uint8Array(10_000));
  const first = await archive.commit({ source, name: "name-000000" });
  await Deno.remove(source);
  const codec = Codec.open();
  const digest = (bytes: Uint8Array) => codec.digest(bytes);
  const decoded = decodeManifest(
    await Deno.readFile(`${folder}/${first.folder}/manifest.json`),
    digest,
  );
  if (decoded.kind !== "valid") throw new Error("the manifest reads back");
  // Synchronous: a hundred thousand files, ten times as fast.
  plantEntries(folder, entryCount, decoded.manifest, digest);
}

function plantEntries(
  folder: string,
  entryCount: number,
  first: Manifest,
  digest: (bytes: Uint8Array) => Uint8Array,
): void {
  for (let index = 1; index < entryCount; index++) {
    const id = index.toString(16).padStart(16, "0");
    const name = `name-${String(index).padStart(6, "0")}`;
    const inner = `${folder}/${entryFolder(name, id)}`;
    const manifest = { ...first, id, name };
    Deno.mkdirSync(inner);
    Deno.writeFileSync(
      `${inner}/manifest.json`,
      encodeManifest(manifest, digest) as Uint8Array<ArrayBuffer>,
    );
  }
}

interface Measured {
  readonly ms: number;
  readonly mib: number;
}

/** One run of the program; its memory is the highest that was seen. */
async function measure(args: readonly string[]): Promise<Measured> {
  const startMs = performance.now();
  const child = new Deno.Command(program[0]!, {
    args: [...program.slice(1), ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let bytes = 0, kib = 0;
  const watch = setInterval(() => kib = Math.max(kib, peakKib(child.pid)), 20);
  for await (const part of child.stdout) bytes += part.length;
  const { success } = await child.status;
  clearInterval(watch);
  if (!success || bytes === 0) throw new Error(`${args.join(" ")} failed`);
  return { ms: performance.now() - startMs, mib: kib / 1024 };
}

function peakKib(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

const entryCount = Number(optionOf("entries", "100000"));
const rounds = Number(optionOf("rounds", "3"));
const parent = optionOf("folder", "/var/tmp");
const folder = await Deno.makeTempDir({ dir: parent, prefix: "list-index-" });
const archive = `${folder}/archive`;
try {
  await makeArchive(archive, entryCount);
  const tell = (what: string, { ms, mib }: Measured) =>
    console.log(
      `${what.padEnd(34)} ${ms.toFixed(0)} ms, ${mib.toFixed(0)} MiB`,
    );
  const list = ["list", "-a", archive];
  await measure(list); // warms the disk's cache
  for (let round = 0; round < rounds; round++) {
    await Deno.remove(`${archive}/${indexFile}`).catch(() => {});
    tell("list, making the index", await measure(list));
    tell("list", await measure(list));
    tell("list --json", await measure([...list, "--json"]));
    tell("find", await measure(["find", "name-000077", "-a", archive]));
    tell("show", await measure(["show", "name-000077", "-a", archive]));
  }
  const { size } = await Deno.stat(`${archive}/${indexFile}`);
  console.log(`index ${(size / entryCount).toFixed(0)} bytes an entry`);
} finally {
  await Deno.remove(folder, { recursive: true });
}
