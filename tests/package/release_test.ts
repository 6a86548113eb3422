import {
  deepStrictEqual,
  doesNotMatch,
  equal,
  match,
  notEqual,
  ok,
} from "node:assert/strict";
import { Ajv } from "ajv";
import {
  Desk,
  filesInDownload,
  listTree,
  outputOf,
  repository,
  run,
  version,
} from "./desk.ts";

const target = Deno.build.target;
const download = `blockframe-${version}-${target}.tar.xz`;

Deno.test("release: the sums cover every file, and sha256sum accepts them", () => {
  using desk = new Desk();
  desk.release();
  outputOf("sha256sum", ["--check", "--strict", "SHA256SUMS"], {
    cwd: desk.dist,
  });
  const named = desk.readText("SHA256SUMS").trim().split("\n")
    .map((line) => line.slice(66));
  const there = listTree(desk.dist).filter((name) =>
    name !== "SHA256SUMS" && name !== "blockframe"
  );
  deepStrictEqual(named, there);
  // A changed byte is seen, so that the line above says something.
  Deno.writeTextFileSync(`${desk.dist}/install.sh`, "#", { append: true });
  const changed = run("sha256sum", ["--check", "SHA256SUMS"], {
    cwd: desk.dist,
  });
  equal(changed.code, 1);
});

Deno.test("release: another time, place, umask and time zone give the same bytes", () => {
  using desk = new Desk();
  using other = new Desk();
  Deno.copyFileSync(`${desk.dist}/blockframe`, `${other.dist}/blockframe`);
  desk.release();
  const { code, stderr } = other.tryRelease([], {
    cwd: "/",
    umask: "077",
    env: { TZ: "Asia/Tokyo", XZ_OPT: "-0", GZIP: "-1" },
  });
  equal(code, 0, stderr);
  equal(other.readText("SHA256SUMS"), desk.readText("SHA256SUMS"));
});

Deno.test("release: another time of the commit gives other bytes", () => {
  using desk = new Desk();
  desk.release();
  const sums = desk.readText("SHA256SUMS");
  const { code, stderr } = desk.tryRelease([], {
    env: { SOURCE_DATE_EPOCH: "1700000002" },
  });
  equal(code, 0, stderr);
  const changed = desk.readText("SHA256SUMS").split("\n")
    .filter((line, index) => line !== sums.split("\n")[index])
    .map((line) => line.slice(66));
  deepStrictEqual(changed, [
    download,
    "blockframe.cdx.json",
    "blockframe.rb",
    `blockframe_${version}_${debianName()}.deb`,
  ]);
});

Deno.test("release: a download holds program, licences, man page, completions, and nothing of the machine", () => {
  using desk = new Desk();
  desk.release();
  const folder = download.replace(".tar.xz", "");
  const listing = outputOf("tar", [
    "-tvJf",
    `${desk.dist}/${download}`,
    "--utc",
  ]);
  const rows = listing.trim().split("\n").map((line) => line.split(/\s+/));
  for (const [mode, owner, , day, time, path] of rows) {
    const expected = path!.endsWith("/")
      ? "drwxr-xr-x"
      : path === `${folder}/bin/blockframe`
      ? "-rwxr-xr-x"
      : "-rw-r--r--";
    equal(
      `${mode} ${owner} ${day} ${time}`,
      `${expected} 0/0 2023-11-14 22:13`,
    );
  }
  const files = rows.map((row) => row[5]!).filter((path) =>
    !path.endsWith("/")
  );
  deepStrictEqual(
    files,
    filesInDownload.map((path) => `${folder}/${path}`),
  );
});

Deno.test("release: Windows gets a zip with everything beside the program", () => {
  using desk = new Desk();
  Deno.writeTextFileSync(
    `${desk.dist}/blockframe-x86_64-pc-windows-msvc.exe`,
    "MZ Deno/2.9.5 15.0.245.2-rusty",
  );
  desk.release();
  const zip = `blockframe-${version}-x86_64-pc-windows-msvc`;
  const listing = JSON.parse(outputOf("python3", [
    "-c",
    "import json,sys,zipfile\n" +
    "z=zipfile.ZipFile(sys.argv[1])\n" +
    "print(json.dumps([[i.filename,i.date_time] for i in z.infolist()]))",
    `${desk.dist}/${zip}.zip`,
  ]));
  const time = [2023, 11, 14, 22, 13, 20];
  deepStrictEqual(listing, [
    [`${zip}/LICENSE.txt`, time],
    [`${zip}/THIRD-PARTY.txt`, time],
    [`${zip}/blockframe.exe`, time],
    [`${zip}/completions.ps1`, time],
  ]);
  const bom = JSON.parse(desk.readText("blockframe.cdx.json"));
  const runtimes = bom.dependencies.filter(({ ref }: { ref: string }) =>
    ref.startsWith("file:")
  );
  deepStrictEqual(runtimes, [
    {
      ref: "file:blockframe-x86_64-pc-windows-msvc",
      dependsOn: ["runtime:deno@2.9.5"],
    },
    { ref: `file:blockframe-${target}`, dependsOn: ["runtime:deno@2.9.6"] },
  ]);
});

Deno.test("release: the bill of materials is valid and names what is imported, no more and no less", () => {
  using desk = new Desk();
  desk.release();
  const bom = JSON.parse(desk.readText("blockframe.cdx.json"));
  const problemsOf = compileSchema();
  equal(problemsOf(bom), undefined);
  notEqual(problemsOf({ ...bom, bomFormat: "other" }), undefined);
  const names = bom.components.map((
    { group, name }: { group?: string; name: string },
  ) => group === undefined ? name : `${group}/${name}`);
  deepStrictEqual(
    names.sort(),
    [...importedPackages(), "ash", "core", "deno", "slab", "v8"].sort(),
  );
  const crates = ["crate:ash@0.38.0+1.3.281", "crate:slab@0.4.9"];
  const needed =
    bom.dependencies.find(({ ref }: { ref: string }) =>
      ref === "runtime:deno@2.9.6"
    ).dependsOn;
  deepStrictEqual(needed, [...crates, "runtime:v8@15.0.245.2-rusty"]);
  deepStrictEqual(
    crates.map((crate) =>
      bom.components.find((one: Record<string, string>) =>
        one["bom-ref"] === crate
      ).purl
    ),
    ["pkg:cargo/ash@0.38.0%2B1.3.281", "pkg:cargo/slab@0.4.9"],
  );
  deepStrictEqual(bom.metadata.component.properties, [
    { name: "blockframe:commit", value: "0123456789abcdef" },
  ]);
  deepStrictEqual(
    bom.components.filter(({ type }: { type: string }) => type === "platform")
      .map(({ purl, version }: Record<string, string>) => purl ?? version),
    ["pkg:github/denoland/deno@v2.9.6", "15.0.245.2-rusty"],
  );
  const [program] = bom.metadata.component.components;
  const sum = outputOf("sha256sum", [`${desk.dist}/blockframe`]).slice(0, 64);
  deepStrictEqual(program.hashes, [{ alg: "SHA-256", content: sum }]);
});

Deno.test("release: the notices hold a licence for every part of the bill of materials", () => {
  using desk = new Desk();
  desk.release();
  const folder = download.replace(".tar.xz", "");
  const notices = outputOf("tar", [
    "-xJOf",
    `${desk.dist}/${download}`,
    `${folder}/share/doc/blockframe/THIRD-PARTY.txt`,
  ]);
  for (const name of importedPackages()) {
    match(notices, new RegExp(`^${name}@[\\d.]+ \\(`, "m"));
  }
  equal(notices.match(/Permission is hereby granted/gi)!.length >= 6, true);
});

Deno.test("release: the Homebrew formula is Ruby and has the download's digest", () => {
  using desk = new Desk();
  desk.release("--base-url", "https://example.org/0.1.0");
  outputOf("ruby", ["-c", `${desk.dist}/blockframe.rb`]);
  const formula = desk.readText("blockframe.rb");
  const sum = outputOf("sha256sum", [`${desk.dist}/${download}`]).slice(0, 64);
  ok(formula.includes(`url "https://example.org/0.1.0/${download}"`), formula);
  ok(formula.includes(`sha256 "${sum}"`), formula);
  ok(!/@|darwin|# target/.test(formula), formula);
});

Deno.test("release: a program without man page and completions is packed without, and that is said", () => {
  using desk = new Desk();
  const { code, stderr } = desk.tryRelease([], {
    env: { STAND_IN_SILENT: "1" },
  });
  equal(code, 0, stderr);
  equal(stderr.match(/^Left out: .*blockframe man ended with 16/gm)?.length, 1);
  equal(
    stderr.match(/^Left out: .*completions \w+ ended with 16/gm)?.length,
    4,
  );
  const files = outputOf("tar", ["-tJf", `${desk.dist}/${download}`]);
  ok(files.includes("/bin/blockframe\n"));
  ok(!/man1|completion|site-functions/.test(files), files);
});

Deno.test("release: an executable of a checkout with changes is not to be published, and that is said", () => {
  using desk = new Desk();
  const warning = /^Not to be published: .*checkout with changes$/m;
  const dirty = desk.tryRelease([], { env: { STAND_IN_DIRTY: "1" } });
  equal(dirty.code, 0, dirty.stderr);
  match(dirty.stderr, warning);
  doesNotMatch(desk.tryRelease().stderr, warning);
});

Deno.test("release: an executable of another version is refused", () => {
  using desk = new Desk("9.9.9");
  const { code, stderr } = desk.tryRelease();
  equal(code, 1);
  match(stderr, /The executable is version 9\.9\.9, the checkout /);
  deepStrictEqual(listTree(desk.dist), ["blockframe"]);
});

Deno.test("release: without an executable it says what to do", () => {
  using desk = new Desk();
  Deno.removeSync(`${desk.dist}/blockframe`);
  const { code, stderr } = desk.tryRelease();
  equal(code, 1);
  match(stderr, /^No executable lies in .*deno task compile\n$/);
});

function debianName(): string {
  return Deno.build.arch === "x86_64" ? "amd64" : "arm64";
}

/** Packages that src/ and main.ts import by name: read from the text, not from the module graph. */
function importedPackages(): string[] {
  const { imports } = JSON.parse(
    Deno.readTextFileSync(`${repository}/deno.json`),
  );
  const sources = ["main.ts", ...listTree(`${repository}/src`, "src/")]
    .filter((path) => path.endsWith(".ts"))
    .map((path) => Deno.readTextFileSync(`${repository}/${path}`));
  return Object.keys(imports).filter((name) =>
    sources.some((text) => new RegExp(`["']${name}(/[^"']*)?["']`).test(text))
  );
}

/** What says whether a document is CycloneDX 1.6, by the schema that the library brings along. */
function compileSchema(): (document: unknown) => unknown {
  const library = import.meta.resolve("@cyclonedx/cyclonedx-library");
  const folder = new URL("../res/schema/", library);
  const read = (name: string) =>
    JSON.parse(Deno.readTextFileSync(new URL(name, folder)));
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ["spdx", "jsf-0.82"]) {
    // By the names in its references, which are not those in its own $id.
    const file = `${name}.SNAPSHOT.schema.json`;
    const { $id: _, ...schema } = read(file);
    ajv.addSchema(schema, `http://cyclonedx.org/schema/${file}`);
  }
  const validate = ajv.compile(read("bom-1.6.SNAPSHOT.schema.json"));
  return (document) => validate(document) ? undefined : validate.errors;
}
