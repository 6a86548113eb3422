import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  type Bytes,
  decodeUtf8,
  encodeUtf8,
  joinBytes,
} from "../../src/base/bytes.ts";
import {
  type DecodedFileTable,
  decodeFileTable,
  decodeFileTableInParts,
  encodeHeader,
  encodeRow,
  type FileTable,
} from "../../src/format/file_table.ts";
import type { FileRow } from "../../src/format/file_row.ts";
import { comparePaths } from "../../src/format/tree_path.ts";

const payloadBytes = 1000;

function join(rows: readonly FileRow[]): Bytes {
  return joinBytes([encodeHeader({ root: {} }), ...rows.map(encodeRow)]);
}

function open(rows: readonly FileRow[]): FileTable {
  const decoded = decodeFileTable(join(rows), payloadBytes);
  ok(decoded.kind === "valid", JSON.stringify(decoded));
  return decoded.table;
}

const header = '{"format":"blockframe.files","version":1}';

/** What a table of these lines is. */
function decodeLines(...lines: string[]): DecodedFileTable {
  const text = [header, ...lines].map((line) => `${line}\n`).join("");
  return decodeFileTable(encodeUtf8(text), payloadBytes);
}

function folder(path: string): FileRow {
  return { kind: "folder", path };
}

function file(path: string, bytes = 0): FileRow {
  return {
    kind: "file",
    path,
    bytes,
    nameCount: 1,
    data: bytes === 0 ? [] : [{ payloadOffset: 0, fileOffset: 0, bytes }],
  };
}

const sample: FileRow[] = [
  {
    kind: "folder",
    path: "a",
    mode: 0o755,
    modified: "2026-11-21T10:00:00.123456789Z",
    uid: 1000,
    gid: 100,
  },
  {
    kind: "file",
    path: "a/b.txt",
    bytes: 700,
    mode: 0o4644,
    modified: "1969-12-31T23:59:59.999999999Z",
    nameCount: 2,
    blake3: "0123456789abcdef".repeat(4),
    data: [
      { payloadOffset: 100, fileOffset: 0, bytes: 100 },
      { payloadOffset: 0, fileOffset: 600, bytes: 100 },
    ],
    xattrs: [
      { name: "__proto__", value: encodeUtf8("p") },
      { name: "user.x", value: new Uint8Array([0, 255, 10]) },
    ],
  },
  folder("a/c"),
  file("a/c/d", 5),
  file("a/c-e"),
  { kind: "link", path: "a-link", target: "../../etc/passwd", mode: 0o777 },
  { kind: "hardlink", path: "b\nü𝄞", target: "a/b.txt" },
];

Deno.test("FileTable gives back the rows that were encoded, and what they add up to", () => {
  const table = open(sample);
  deepStrictEqual([...table.rows()], sample);
  deepStrictEqual(table.counts, {
    fileCount: 3,
    folderCount: 2,
    linkCount: 1,
    hardLinkCount: 1,
    contentBytes: 705,
  });
});

Deno.test("FileTable keeps the attributes of the root", () => {
  const root = { mode: 0o700, modified: "2026-11-21T10:00:00.5Z", uid: 0 };
  const decoded = decodeFileTable(encodeHeader({ root }), 0);
  ok(decoded.kind === "valid");
  deepStrictEqual(decoded.table.header, { root });
  strictEqual(decoded.table.rowCount, 0);
});

Deno.test("FileTable finds what is there and nothing else", () => {
  const table = open(sample);
  for (const row of sample) deepStrictEqual(table.find(row.path), row);
  for (const path of ["", "a/", "a/b", "a/b.txt2", "0", "zz", "a/c/d/e"]) {
    strictEqual(table.find(path), undefined, path);
  }
  strictEqual(table.findFile("b\nü𝄞")?.path, "a/b.txt");
  strictEqual(table.findFile("a"), undefined);
});

Deno.test("FileTable lists a subtree without its neighbours, and a folder without what is deeper", () => {
  const table = open(sample);
  const paths = (rows: Iterable<FileRow>) => [...rows].map((row) => row.path);
  deepStrictEqual(paths(table.subtree("a/c")), ["a/c", "a/c/d"]);
  deepStrictEqual(paths(table.subtree("a/c/d")), ["a/c/d"]);
  deepStrictEqual(paths(table.subtree("a/x")), []);
  deepStrictEqual(paths(table.subtree("")), sample.map((row) => row.path));
  deepStrictEqual(paths(table.children("")), ["a", "a-link", "b\nü𝄞"]);
  deepStrictEqual(paths(table.children("a")), ["a/b.txt", "a/c", "a/c-e"]);
  deepStrictEqual(paths(table.children("a/c")), ["a/c/d"]);
});

Deno.test("comparePaths() is the order of UTF-8 bytes, component by component", () => {
  const path = fc.array(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 3 })
      .filter((name) => !/[/\0]/.test(name)),
    { minLength: 1, maxLength: 3 },
  ).map((names) => names.join("/"));
  const key = (text: string) => [...encodeUtf8(text.replaceAll("/", "\0"))];
  fc.assert(fc.property(path, path, (left, right) => {
    const leftKey = key(left), rightKey = key(right);
    let expected = leftKey.length - rightKey.length;
    for (let index = 0; index < leftKey.length; index++) {
      if (leftKey[index] === rightKey[index]) continue;
      if (index < rightKey.length) {
        expected = leftKey[index]! - rightKey[index]!;
      }
      break;
    }
    strictEqual(Math.sign(comparePaths(left, right)), Math.sign(expected));
  }));
});

Deno.test("decodeFileTable() refuses paths that lead elsewhere", () => {
  for (
    const path of [
      "",
      "/",
      "/etc/passwd",
      "..",
      ".",
      "../x",
      "a/../x",
      "a//x",
      "a/",
      "a/./x",
      "x\0y",
      "\ud800",
      "n".repeat(256),
      "ü".repeat(128),
    ]
  ) {
    const line = JSON.stringify({ path, kind: "file", bytes: 0 });
    const lines = ['{"path":"a","kind":"folder"}', line];
    strictEqual(decodeLines(...lines).kind, "invalid", JSON.stringify(path));
  }
  const deep = Array.from({ length: 20 }, () => "n".repeat(255)).join("/");
  const line = JSON.stringify({ path: deep, kind: "folder" });
  strictEqual(decodeLines(line).kind, "invalid");
});

Deno.test("decodeFileTable() refuses rows out of order, twice, or in what is no folder", () => {
  const cases: [string, FileRow[]][] = [
    ["out of order", [file("b"), file("a")]],
    ["twice", [file("a"), file("a")]],
    ["file and folder", [file("a"), folder("a")]],
    ["no folder", [file("a/b")]],
    ["in a file", [file("a"), file("a/b")]],
    ["in a link", [
      { kind: "link", path: "a", target: "/etc" },
      file("a/passwd"),
    ]],
    ["in a hard link", [
      { ...file("a") as FileRow & { kind: "file" }, nameCount: 2 },
      { kind: "hardlink", path: "b", target: "a" },
      file("b/c"),
    ]],
    ["order of plain bytes", [folder("a"), file("a-b"), file("a/c")]],
    ["a folder that was left", [folder("a"), folder("b"), file("a/c")]],
    ["nested in a missing one", [folder("a"), file("a/b/c")]],
  ];
  for (const [what, rows] of cases) {
    const decoded = decodeFileTable(join(rows), payloadBytes);
    strictEqual(decoded.kind, "invalid", what);
  }
});

Deno.test("decodeFileTable() refuses hard links to what is no earlier file of several names", () => {
  const link = (target: string): FileRow => ({
    kind: "hardlink",
    path: "m",
    target,
  });
  const two = { ...file("a") as FileRow & { kind: "file" }, nameCount: 2 };
  open([two, link("a")]);
  for (
    const rows of [
      [link("a")],
      [file("a"), link("a")],
      [folder("a"), link("a")],
      [link("z"), { ...two, path: "z" }],
      [two, link("m")],
      [{ kind: "link", path: "a", target: "x" } as const, link("a")],
    ]
  ) {
    const decoded = decodeFileTable(join(rows), payloadBytes);
    strictEqual(decoded.kind, "invalid", JSON.stringify(rows));
  }
});

Deno.test("decodeFileTable() refuses data outside the payload or the file, or over other data", () => {
  const line = (bytes: unknown, data: unknown) =>
    JSON.stringify({ path: "a", kind: "file", bytes, data });
  for (const data of [[], [[0, 0, 10]], [[990, 0, 4], [0, 6, 4]]]) {
    strictEqual(decodeLines(line(10, data)).kind, "valid");
  }
  for (
    const data of [
      [[0, 0, 11]],
      [[0, 1, 10]],
      [[991, 0, 10]],
      [[1001, 0, 1]],
      [[-1, 0, 1]],
      [[0, -1, 1]],
      [[0, 0, 0]],
      [[0.5, 0, 1]],
      [[0, 0]],
      [[0, 0, 1, 1]],
      [["0", 0, 1]],
      [[0, 0, 5], [5, 4, 2]],
      [[0, 5, 2], [5, 0, 2]],
      [[Number.MAX_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER]],
      [[0, Number.MAX_SAFE_INTEGER, 5]],
      [null],
      {},
      "x",
    ]
  ) {
    strictEqual(decodeLines(line(10, data)).kind, "invalid", `${data}`);
  }
  for (const bytes of [-1, 1.5, "10", null, 2 ** 53]) {
    strictEqual(decodeLines(line(bytes, [])).kind, "invalid", `${bytes}`);
  }
});

Deno.test("decodeFileTable() refuses lines that are too long, and attributes that cannot be", () => {
  const row = (members: Record<string, unknown>) =>
    JSON.stringify({ path: "a", kind: "folder", ...members });
  strictEqual(decodeLines(row({ unknown: "x" })).kind, "valid");
  strictEqual(
    decodeLines(row({ unknown: "x".repeat(17 * 2 ** 20) })).kind,
    "invalid",
  );
  for (
    const members of [
      { mode: "0888" },
      { mode: 420 },
      { modified: "yesterday" },
      { modified: "2026-11-21T10:00:00.1234567890Z" },
      { uid: -1 },
      { gid: 2 ** 32 },
      { xattrs: { "user.x": "%" } },
      { xattrs: { "": "" } },
      { xattrs: [], kind: "folder", bytes: 1 },
      { xattrs: { "user.x": btoa("x".repeat(2 ** 20)) } },
      { kind: "device" },
      { kind: "link" },
      { kind: "link", target: "" },
      { kind: "link", target: "a\0b" },
      { kind: "link", target: "x".repeat(4097) },
      { path: 5 },
    ]
  ) {
    strictEqual(decodeLines(row(members)).kind, "invalid", row(members));
  }
});

Deno.test("decodeFileTable() refuses what has no header, no end, or is no UTF-8", () => {
  const invalid = (bytes: Bytes) =>
    strictEqual(decodeFileTable(bytes, payloadBytes).kind, "invalid");
  invalid(new Uint8Array(0));
  invalid(encodeUtf8("{}\n"));
  invalid(encodeUtf8("null\n"));
  invalid(encodeUtf8(header));
  invalid(encodeUtf8(header.replace(":1", ":2") + "\n"));
  invalid(encodeUtf8(`${header}\n\n`));
  const text = encodeUtf8(`${header}\n{"path":"aü","kind":"folder"}\n`);
  invalid(text.map((byte) => byte === 0xc3 ? 0xff : byte));
});

Deno.test("decodeFileTable() says which line is wrong", () => {
  const decoded = decodeLines(
    '{"path":"a","kind":"folder"}',
    '{"path":"../a","kind":"folder"}',
  );
  ok(decoded.kind === "invalid");
  ok(decoded.problem.startsWith("line 3 of the file table"), decoded.problem);
});

/** Rows of a tree, made from any names. */
const anyTree: fc.Arbitrary<FileRow[]> = fc.array(
  fc.record({
    names: fc.array(fc.constantFrom("a", "b", "a-b", "ü", "𝄞", "\uffff"), {
      minLength: 1,
      maxLength: 4,
    }),
    bytes: fc.nat(50),
    offset: fc.nat(900),
    link: fc.boolean(),
  }),
  { maxLength: 30 },
).map((wishes) => {
  const rows = new Map<string, FileRow>();
  for (const { names, bytes, offset, link } of wishes) {
    const path = names.join("/");
    for (let depth = 1; depth < names.length; depth++) {
      const parent = names.slice(0, depth).join("/");
      rows.set(parent, { kind: "folder", path: parent });
    }
    if (rows.get(path)?.kind === "folder") continue;
    const data = bytes === 0
      ? []
      : [{ payloadOffset: offset, fileOffset: 3, bytes }];
    rows.set(
      path,
      link
        ? { kind: "link", path, target: "t" }
        : { kind: "file", path, bytes: bytes + 7, nameCount: 1, data },
    );
  }
  return [...rows.values()].sort((a, b) => comparePaths(a.path, b.path));
});

Deno.test("FileTable holds any tree, and its lookups agree with a walk", () => {
  fc.assert(fc.property(anyTree, (rows) => {
    const table = open(rows);
    deepStrictEqual([...table.rows()], rows);
    for (const row of rows) {
      deepStrictEqual(table.find(row.path), row);
      const below = rows.filter((other) =>
        other.path === row.path || other.path.startsWith(`${row.path}/`)
      );
      deepStrictEqual([...table.subtree(row.path)], below);
      const parent = row.path.slice(0, Math.max(0, row.path.lastIndexOf("/")));
      const names = [...table.children(parent)].map((child) => child.path);
      ok(names.includes(row.path));
      strictEqual(new Set(names).size, names.length);
    }
    const inRoot = rows.filter((row) => !row.path.includes("/"));
    deepStrictEqual([...table.children("")], inRoot);
  }));
});

Deno.test("decodeFileTableInParts() yields on the way, and comes to the same", () => {
  const rows = Array.from(
    { length: 9000 },
    (_, index) => folder(`f${`${index}`.padStart(5, "0")}`),
  );
  const bytes = join(rows);
  const parts = decodeFileTableInParts(bytes, 0);
  let count = 0, part = parts.next();
  for (; !part.done; part = parts.next()) count++;
  ok(count >= 3, `${count} pauses`);
  ok(part.value.kind === "valid");
  const whole = decodeFileTable(bytes, 0);
  ok(whole.kind === "valid");
  deepStrictEqual([...part.value.table.rows()], [...whole.table.rows()]);
  deepStrictEqual(part.value.table.counts, whole.table.counts);
  bytes[bytes.length - 3] = 0;
  const bad = decodeFileTableInParts(bytes, 0);
  for (part = bad.next(); !part.done;) part = bad.next();
  strictEqual(part.value.kind, "invalid");
});

Deno.test("decodeFileTable() never throws on a damaged table, and gives only rows that are right", () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), {
    minLength: 1,
    maxLength: 4,
  });
  let invalidCount = 0;
  fc.assert(
    fc.property(flips, (changes) => {
      const bytes = join(sample).slice();
      for (const [offset, value] of changes) {
        bytes[offset % bytes.length] = value;
      }
      const decoded = decodeFileTable(bytes, payloadBytes);
      if (decoded.kind === "invalid") return void invalidCount++;
      // Whatever it says now is a table by all rules: written anew it reads the same.
      const rows = [...decoded.table.rows()];
      deepStrictEqual([...open(rows).rows()], rows);
    }),
    { numRuns: 500 },
  );
  ok(invalidCount > 0);
});

Deno.test("encodeRow() writes one line that a person can read", () => {
  const line = decodeUtf8(encodeRow(sample[1]!));
  strictEqual(
    line,
    '{"path":"a/b.txt","kind":"file","bytes":700,"mode":"4644",' +
      '"modified":"1969-12-31T23:59:59.999999999Z",' +
      '"xattrs":{"__proto__":"cA==","user.x":"AP8K"},"names":2,' +
      '"blake3":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",' +
      '"data":[[100,0,100],[0,600,100]]}\n',
  );
});
