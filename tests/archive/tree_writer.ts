// Tree writer: a tree entry made of given rows, also of rows that no commit would write. The payload
// is committed as a file, and its manifest then made that of a tree.

import { strictEqual } from "node:assert/strict";
import { type Bytes, joinBytes } from "../../src/base/bytes.ts";
import { Codec } from "../../src/codec/mod.ts";
import { metadataFolders, metadataPath } from "../../src/format/entry_path.ts";
import type {
  FileRow,
  PlainFileRow,
  RowAttributes,
} from "../../src/format/file_row.ts";
import {
  addRow,
  encodeHeader,
  encodeRow,
  noCounts,
} from "../../src/format/file_table.ts";
import { encodeFilesMember } from "../../src/format/files_member.ts";
import { planPages } from "../../src/format/pages.ts";
import { comparePaths } from "../../src/format/tree_path.ts";
import { type Bench, forgeManifest, writeFile } from "./harness.ts";

type Attributes = RowAttributes;

/** Collects what is in a tree, and commits it. */
export class TreeWriter {
  readonly rows: FileRow[] = [];
  /** What the files hold, by path; also by the paths of their further names. */
  readonly contents: Map<string, Bytes> = new Map();
  root: Attributes = { mode: 0o755, modified: "2020-01-01T00:00:00.5Z" };
  readonly #payload: Bytes[] = [];
  #payloadBytes = 0;

  folder(path: string, attributes: Attributes = {}): this {
    this.rows.push({ kind: "folder", path, ...attributes });
    return this;
  }

  link(path: string, target: string, attributes: Attributes = {}): this {
    this.rows.push({ kind: "link", path, target, ...attributes });
    return this;
  }

  hardlink(path: string, target: string): this {
    this.rows.push({ kind: "hardlink", path, target });
    const file = this.rows.find((row) => row.path === target) as PlainFileRow;
    (file as { nameCount: number }).nameCount++;
    this.contents.set(path, this.contents.get(target)!);
    return this;
  }

  /** A file all of which is stored, or only the given ranges of it. */
  file(
    path: string,
    content: Bytes,
    attributes: Attributes = {},
    ranges: readonly [offset: number, bytes: number][] = [[0, content.length]],
  ): this {
    const data = ranges.filter(([, bytes]) => bytes > 0)
      .map(([fileOffset, bytes]) => {
        const payloadOffset = this.#payloadBytes;
        this.#payload.push(content.subarray(fileOffset, fileOffset + bytes));
        this.#payloadBytes += bytes;
        return { payloadOffset, fileOffset, bytes };
      });
    const bytes = content.length;
    this.rows.push({
      kind: "file",
      path,
      bytes,
      data,
      nameCount: 1,
      ...attributes,
    });
    this.contents.set(path, content);
    return this;
  }

  /** Commits it; gives the folder of the entry. */
  async commit(bench: Bench, name: string, policy?: string): Promise<string> {
    const { folder } = await bench.commit(
      name,
      joinBytes(this.#payload),
      policy,
    );
    this.rows.sort((left, right) => comparePaths(left.path, right.path));
    const table = joinBytes([
      encodeHeader({ root: this.root }),
      ...this.rows.map(encodeRow),
    ]);
    const codec = Codec.open();
    const stream = new Blob([table as Uint8Array<ArrayBuffer>]).stream()
      .pipeThrough(new CompressionStream("gzip"));
    const compressed = new Uint8Array(
      await new Response(stream).arrayBuffer(),
    );
    const counts = { ...noCounts };
    for (const row of this.rows) addRow(counts, row);
    const member = encodeFilesMember({
      counts,
      tableBytes: table.length,
      tableRoot: codec.digest(table).slice(),
      compressed: planPages(compressed, (bytes) => codec.digest(bytes).slice()),
    });
    forgeManifest(bench.archive, folder, (members) => {
      const features = members["required_features"] as string[];
      members["required_features"] = [...features, "file_table"];
      members["files"] = member;
    });
    strictEqual(metadataFolders.length, 4);
    for (const copy of metadataFolders) {
      const path = `${folder}/${metadataPath(copy, "files.jsonl.gz")}`;
      writeFile(bench.archive, path, compressed);
    }
    return folder;
  }
}
