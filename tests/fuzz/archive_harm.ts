// Archive harm: what can be done to the folder of an archive from outside, as data: to bytes, names,
// lengths and kinds, and manifests that somebody made up.

import fc from "fast-check";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { metadataFolders, metadataPath } from "../../src/format/entry_path.ts";
import type { Store } from "../../src/store/store.ts";
import { readFile, writeFile } from "../archive/harness.ts";
import {
  type ByteMutation,
  byteMutations,
  mutateBytes,
} from "./byte_mutation.ts";
import {
  type JsonMutation,
  jsonMutations,
  mutateJson,
} from "./json_mutation.ts";
import { seal } from "./seal.ts";

/** Kinds of things that are neither file nor folder. */
export type Planting =
  | "link to a file outside"
  | "link to a folder outside"
  | "link to nowhere"
  | "link to itself"
  | "pipe"
  | "hard link to a file outside";

/** An archive, and the hand of somebody who does not go through a store. */
export interface Site {
  readonly store: Store;
  /** Puts it where nothing is. */
  plant(path: string, what: Planting): void;
  /** Makes a file that long, of zeros that take no room. */
  stretch(path: string, bytes: number): void;
}

const index = fc.nat(1_000_000);
const plantings: readonly Planting[] = [
  "link to a file outside",
  "link to a folder outside",
  "link to nowhere",
  "link to itself",
  "pipe",
  "hard link to a file outside",
];
const oddName = fc.constantFrom(
  ".hidden",
  ".staging_0123456789abcdef",
  ".staging_x_removed",
  ".lock_writer",
  ".lock_repairer",
  "a_0123456789abcdef",
  "_0123456789abcdef",
  "b_00000000000000000",
  "B_0123456789ABCDEF",
  "new\nline_0123456789abcdef",
  "\u202e_0123456789abcdef",
  "manifest.json",
  "segment_00.dat",
  "segment_0.dat.rebuild",
  "x".repeat(255),
  "con",
);

/** One harm; `at` and `other` pick from what is there then. */
export type Harm =
  | {
    readonly how: "mutate";
    readonly at: number;
    readonly mutations: ByteMutation[];
  }
  | { readonly how: "remove"; readonly at: number }
  | { readonly how: "move"; readonly at: number; readonly other: number }
  | { readonly how: "copy"; readonly at: number; readonly other: number }
  | { readonly how: "exchange"; readonly at: number; readonly other: number }
  | { readonly how: "rename"; readonly at: number; readonly name: string }
  | { readonly how: "folder"; readonly at: number; readonly depth: number }
  | { readonly how: "plant"; readonly at: number; readonly what: Planting }
  | { readonly how: "stretch"; readonly at: number; readonly bytes: number }
  | {
    readonly how: "forge";
    readonly at: number;
    /** How many of the copies. */
    readonly copies: number;
    readonly mutations: JsonMutation[];
  };

/** Some harms, the later ones to what the earlier ones left. */
export const harms: fc.Arbitrary<Harm[]> = fc.array(
  fc.oneof(
    fc.record({
      how: fc.constant("mutate" as const),
      at: index,
      mutations: byteMutations,
    }),
    fc.record({ how: fc.constant("remove" as const), at: index }),
    fc.record({ how: fc.constant("move" as const), at: index, other: index }),
    fc.record({ how: fc.constant("copy" as const), at: index, other: index }),
    fc.record({
      how: fc.constant("exchange" as const),
      at: index,
      other: index,
    }),
    fc.record({
      how: fc.constant("rename" as const),
      at: index,
      name: oddName,
    }),
    fc.record({
      how: fc.constant("folder" as const),
      at: index,
      depth: fc.integer({ min: 1, max: 30 }),
    }),
    fc.record({
      how: fc.constant("plant" as const),
      at: index,
      what: fc.constantFrom(...plantings),
    }),
    fc.record({
      how: fc.constant("stretch" as const),
      at: index,
      bytes: fc.constantFrom(5_000_000, 2 ** 32, 2 ** 40),
    }),
    fc.record({
      how: fc.constant("forge" as const),
      at: index,
      copies: fc.integer({ min: 1, max: 4 }),
      mutations: jsonMutations,
    }),
  ),
  { minLength: 1, maxLength: 6 },
);

/** Everything in a store by path, folders before what is in them. */
export function walk(
  store: Store,
  folder = "",
): { path: string; kind: "file" | "folder" | "other" }[] {
  return store.list(folder).flatMap(({ name, kind }) => {
    const path = folder === "" ? name : `${folder}/${name}`;
    const inner = kind === "folder" ? walk(store, path) : [];
    return [{ path, kind }, ...inner];
  });
}

/** Does one harm; some cannot be done to what is there, and then nothing is. */
export function applyHarm(harm: Harm, site: Site): void {
  const { store } = site;
  const all = walk(store);
  if (all.length === 0) return;
  const { path, kind } = all[harm.at % all.length]!;
  try {
    switch (harm.how) {
      case "mutate":
        if (!isOwn(store, path)) return;
        return writeFile(
          store,
          path,
          mutateBytes(readFile(store, path), harm.mutations),
        );
      case "remove":
        return remove(store, path, kind);
      case "move":
      case "copy":
      case "exchange":
        return pair(harm.how, path, all[harm.other % all.length]!.path, store);
      case "rename":
        return store.rename(path, `${parentOf(path)}${harm.name}`);
      case "folder": {
        remove(store, path, kind);
        let folder = path;
        for (let level = 0; level < harm.depth; level++) {
          store.makeFolder(folder);
          folder += "/x";
        }
        return;
      }
      case "plant":
        remove(store, path, kind);
        return site.plant(path, harm.what);
      case "stretch":
        if (isOwn(store, path)) site.stretch(path, harm.bytes);
        return;
      case "forge":
        return forge(path.split("/")[0]!, harm.copies, harm.mutations, store);
    }
  } catch (error) {
    // A folder into itself, a file over a folder: what the file system refuses is no harm.
    if (!isFailure(error)) throw error;
  }
}

/** Whether it is a file of some kilobytes that has no second name outside. */
function isOwn(store: Store, path: string): boolean {
  const found = store.stat(path);
  return found?.kind === "file" && found.linkCount === 1 &&
    found.bytes < 4_000_000;
}

function remove(store: Store, path: string, kind: string): void {
  if (kind === "folder") store.removeTree(path);
  else store.removeFile(path);
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function pair(
  how: "move" | "copy" | "exchange",
  path: string,
  other: string,
  store: Store,
): void {
  if (how === "move") {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (store.stat(other)?.kind === "folder") {
      return store.rename(path, `${other}/${name}`);
    }
    return store.rename(path, other);
  }
  if (!isOwn(store, path) || !isOwn(store, other)) return;
  const bytes = readFile(store, path);
  if (how === "exchange") writeFile(store, path, readFile(store, other));
  writeFile(store, other, bytes);
}

/** Gives some manifest copies other members and a self-check that holds. */
function forge(
  folder: string,
  copies: number,
  mutations: readonly JsonMutation[],
  store: Store,
): void {
  for (const copy of metadataFolders.slice(0, copies)) {
    const path = `${folder}/${metadataPath(copy, "manifest.json")}`;
    if (!isOwn(store, path)) continue;
    let document: unknown;
    try {
      document = JSON.parse(
        new TextDecoder().decode(readFile(store, path)),
      );
    } catch {
      continue; // an earlier harm hit it
    }
    writeFile(store, path, seal(mutateJson(document, mutations)));
  }
}

/** Whether anything of the harms makes a description up, so that it may describe something else. */
export function hasForgery(list: readonly Harm[]): boolean {
  return list.some((harm) => harm.how === "forge");
}

/** Content that lies outside and that nobody may change. */
export const precious: Uint8Array<ArrayBuffer> = encodeUtf8(
  "precious",
) as Uint8Array<ArrayBuffer>;
