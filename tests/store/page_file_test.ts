import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { DirStore } from "../../src/store/dir_store.ts";
import { SqlitePageFiles } from "../../src/store/page_file.ts";
import { countingBytes } from "./fixture.ts";

const name = ".cache";
const bytesMax = 1_000_000;

class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "blockframe-pages-" });
  readonly files = new SqlitePageFiles(new DirStore(this.path), name);

  get file(): string {
    return `${this.path}/${name}`;
  }

  names(): string[] {
    return [...Deno.readDirSync(this.path)].map((each) => each.name).sort();
  }

  write(changes: Map<number, Uint8Array | undefined>): void {
    using pages = this.files.open(bytesMax)!;
    pages.write(changes);
  }

  read(): Map<number, Uint8Array> {
    using pages = this.files.open(bytesMax)!;
    return pages.read();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

const isIo = (error: unknown) => isFailure(error, "io");

Deno.test("write() is read back by the next, and nothing lies beside the file", () => {
  using folder = new Folder();
  deepStrictEqual(folder.read(), new Map());
  folder.write(new Map([[0, countingBytes(9)], [7, countingBytes(70_000)]]));
  folder.write(new Map([[7, undefined], [8, countingBytes(1)]]));
  deepStrictEqual([...folder.read()], [[0, countingBytes(9)], [
    8,
    countingBytes(1),
  ]]);
  deepStrictEqual(folder.names(), [name]);
});

Deno.test("discard() takes the file away, and is content with none", () => {
  using folder = new Folder();
  folder.write(new Map([[0, countingBytes(9)]]));
  folder.files.discard();
  folder.files.discard();
  deepStrictEqual(folder.names(), []);
  deepStrictEqual(folder.read(), new Map());
});

Deno.test("open() follows no link and writes through no second name", () => {
  using folder = new Folder();
  using outside = new Folder();
  outside.write(new Map([[0, countingBytes(9)]]));
  const before = Deno.readFileSync(outside.file);
  for (const plant of [Deno.symlinkSync, Deno.linkSync]) {
    plant(outside.file, folder.file);
    throws(() => folder.files.open(bytesMax), isIo);
    folder.files.discard();
    deepStrictEqual(folder.names(), []);
  }
  Deno.symlinkSync(`${outside.path}/new`, folder.file);
  throws(() => folder.files.open(bytesMax), isIo);
  deepStrictEqual(Deno.readFileSync(outside.file), before);
  deepStrictEqual(outside.names(), [name]);
});

Deno.test("open() refuses folders, large files and other shapes", () => {
  using folder = new Folder();
  Deno.mkdirSync(folder.file);
  throws(() => folder.files.open(bytesMax), isIo);
  folder.files.discard();
  Deno.removeSync(folder.file);
  folder.write(new Map([[0, countingBytes(9)]]));
  throws(() => folder.files.open(100), isIo);
  for (
    const sql of [
      "DROP TABLE page",
      "CREATE TABLE page (number INTEGER, content TEXT)",
      "CREATE VIEW page AS SELECT 1 AS number, x'00' AS content",
      "CREATE TABLE other (x)",
    ]
  ) {
    folder.files.discard();
    if (sql.startsWith("DROP") || sql.includes("other")) {
      folder.write(new Map());
    }
    const database = new DatabaseSync(folder.file);
    database.exec(sql);
    database.close();
    if (sql.startsWith("DROP")) deepStrictEqual(folder.read(), new Map());
    else throws(() => folder.files.open(bytesMax), isIo, sql);
  }
});

Deno.test("journals that lie beside the file are removed unread", () => {
  using folder = new Folder();
  folder.write(new Map([[0, countingBytes(9)]]));
  for (const suffix of ["-journal", "-wal", "-shm"]) {
    Deno.writeFileSync(folder.file + suffix, countingBytes(600));
  }
  deepStrictEqual([...folder.read()], [[0, countingBytes(9)]]);
  deepStrictEqual(folder.names(), [name]);
});

Deno.test("read() and write() of what another process writes are refused at once", () => {
  using folder = new Folder();
  folder.write(new Map([[0, countingBytes(9)]]));
  const other = new DatabaseSync(folder.file);
  other.exec("BEGIN EXCLUSIVE");
  throws(
    () => folder.read(),
    (error) => isIo(error) && /lock|busy/.test(String(error)),
  );
  throws(() => folder.write(new Map([[1, countingBytes(1)]])), isIo);
  other.exec("COMMIT");
  other.close();
  deepStrictEqual([...folder.read()], [[0, countingBytes(9)]]);
});

Deno.test("a file with bytes of chance in it is of no use or gives pages, and never anything else", () => {
  using folder = new Folder();
  const chance = new Prng(7);
  const pages = new Map(
    Array.from({ length: 20 }, (_, page) => [page, countingBytes(3000, page)]),
  );
  folder.write(pages);
  const whole = Deno.readFileSync(folder.file);
  let refused = 0, given = 0;
  for (let round = 0; round < 300; round++) {
    const spoiled = whole.slice();
    const count = 1 + chance.below(50);
    for (let each = 0; each < count; each++) {
      // Half of them in the header and the root pages, where SQLite looks first.
      const bound = round % 2 === 0 ? 9000 : spoiled.length;
      spoiled[chance.below(bound)] = chance.below(256);
    }
    const cut = round % 5 === 0 ? chance.below(whole.length) : whole.length;
    Deno.writeFileSync(folder.file, spoiled.subarray(0, cut));
    try {
      for (const content of folder.read().values()) {
        ok(content instanceof Uint8Array);
      }
      folder.write(new Map([[3, countingBytes(5)]]));
      given++;
    } catch (error) {
      ok(isIo(error), String(error));
      refused++;
    }
  }
  ok(refused > 20 && given > 20, `${refused} refused, ${given} given`);
  folder.files.discard();
  strictEqual(folder.read().size, 0);
});
