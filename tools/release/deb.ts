// Deb: the Debian package, made by dpkg-deb. The same input gives the same bytes: every time in it is
// SOURCE_DATE_EPOCH, every owner root, every mode set here.

import { runCommand } from "./command.ts";
import { type Documents, layOut } from "./documents.ts";
import { readElfNeeds } from "./elf.ts";
import { listPaths } from "./packing.ts";
import type { Executable } from "./targets.ts";

/** What the package says of itself. */
export interface DebFacts {
  readonly version: string;
  readonly maintainer: string;
  readonly epochSeconds: number;
  /** What is new, one text for each change. */
  readonly changes: readonly string[];
}

const machines: Readonly<Record<string, number>> = { amd64: 62, arm64: 183 };

// Before Debian 11 and Ubuntu 20.04 it had another name.
const gccRuntime = "libgcc-s1 | libgcc1";

// Where each library of glibc 2.27 and of gcc's run time comes from.
const packageOf: Readonly<Record<string, "libc6" | typeof gccRuntime>> = {
  "ld-linux-aarch64.so.1": "libc6",
  "ld-linux-x86-64.so.2": "libc6",
  "libc.so.6": "libc6",
  "libdl.so.2": "libc6",
  "libgcc_s.so.1": gccRuntime,
  "libm.so.6": "libc6",
  "libpthread.so.0": "libc6",
  "librt.so.1": "libc6",
};

const description = `Keep files safe from bit rot, bad sectors and lost files
 BlockFrame stores files and folders in an archive with Reed-Solomon parity
 and BLAKE3 digests. Every byte is verified when it is read, and what is
 damaged is rebuilt from parity. An archive is a plain folder: it can lie on
 a USB disk, and be read without this program.`;

/** The version as Debian compares it: a pre-release comes before its release. */
export function debianVersion(version: string): string {
  return version.replace("-", "~");
}

/** Makes the package in `folder` and gives its path. `stage` is an empty folder to work in. */
export async function buildDeb(
  root: URL,
  executable: Executable,
  documents: Documents,
  facts: DebFacts,
  stage: string,
  folder: string,
): Promise<string> {
  const architecture = executable.target.debian!;
  const tree = `${stage}/tree`;
  await layOutTree(root, tree, executable, documents, facts);
  const control = await formatControl(executable, facts, tree);
  await Deno.mkdir(`${tree}/DEBIAN`);
  await writeFile(`${tree}/DEBIAN/md5sums`, await formatDigests(tree));
  await writeFile(`${tree}/DEBIAN/control`, control);
  await runCommand("chmod", ["-R", "u=rwX,go=rX", tree]);
  const path = `${folder}/blockframe_${
    debianVersion(facts.version)
  }_${architecture}.deb`;
  await runCommand("dpkg-deb", [
    "--root-owner-group",
    "-Zxz",
    "-z9",
    "--build",
    tree,
    path,
  ], { env: { SOURCE_DATE_EPOCH: `${facts.epochSeconds}` } });
  return path;
}

async function layOutTree(
  root: URL,
  tree: string,
  executable: Executable,
  documents: Documents,
  facts: DebFacts,
): Promise<void> {
  const doc = "usr/share/doc/blockframe";
  // Where /sbin is a link, as in Debian 12 and later, mount(8) finds it there.
  const helper = "usr/sbin/mount.fuse.blockframe";
  const files = new Map<string, string>([
    [`${doc}/copyright`, formatCopyright(documents)],
    [`${doc}/changelog`, formatChangelog(facts)],
    [
      "usr/share/lintian/overrides/blockframe",
      await readPackaging("overrides"),
    ],
    [helper, await readPackaging("mount.fuse.blockframe")],
    // A program has a manual; it is that of `blockframe mount`.
    [
      "usr/share/man/man8/mount.fuse.blockframe.8",
      ".so man1/blockframe.1\n",
    ],
  ]);
  for (const [place, text] of layOut(documents)) {
    if (place.startsWith("share/doc/")) continue; // copyright has it all
    files.set(
      `usr/${place.replace("zsh/site-functions", "zsh/vendor-completions")}`,
      text,
    );
  }
  for (const name of await listExamples(root)) {
    files.set(
      `${doc}/examples/${name}`,
      await readPackaging(`systemd/${name}`),
    );
  }
  for (const [place, text] of files) await writeFile(`${tree}/${place}`, text);
  for (const place of files.keys()) {
    // -n: neither name nor time. Policy wants man pages and the changelog compressed.
    if (!/\/changelog$|\/man\d\//.test(place)) continue;
    await runCommand("gzip", ["-9", "-n", `${tree}/${place}`]);
  }
  await Deno.chmod(`${tree}/${helper}`, 0o755);
  await Deno.mkdir(`${tree}/usr/bin`, { recursive: true });
  await Deno.copyFile(executable.path, `${tree}/usr/bin/blockframe`);
  await Deno.chmod(`${tree}/usr/bin/blockframe`, 0o755);

  function readPackaging(name: string): Promise<string> {
    const place = name === "overrides" ? "debian/lintian-overrides" : name;
    return Deno.readTextFile(new URL(`tools/packaging/${place}`, root));
  }
}

async function listExamples(root: URL): Promise<string[]> {
  const folder = new URL("tools/packaging/systemd/", root);
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names.sort();
}

async function formatControl(
  executable: Executable,
  facts: DebFacts,
  tree: string,
): Promise<string> {
  const architecture = executable.target.debian!;
  const needs = await readElfNeeds(executable.path);
  if (needs.machine !== machines[architecture]) {
    throw new Error(`${executable.path} is not for ${architecture}`);
  }
  const packages = needs.libraries.map((name) => {
    const found = packageOf[name];
    if (found === undefined) throw new Error(`Which package has ${name}?`);
    return found === "libc6" ? `libc6 (>= ${needs.glibc})` : found;
  });
  let bytes = 0;
  for (const path of await listPaths(tree, "usr")) {
    bytes += Math.ceil((await Deno.stat(`${tree}/${path}`)).size / 1024) * 1024;
  }
  return `Package: blockframe
Version: ${debianVersion(facts.version)}
Architecture: ${architecture}
Maintainer: ${facts.maintainer}
Installed-Size: ${bytes / 1024}
Depends: ${[...new Set(packages)].sort().join(", ")}
Recommends: fuse3, libfuse3-4 | libfuse3-3
Section: utils
Priority: optional
Description: ${description}
`;
}

async function formatDigests(tree: string): Promise<string> {
  const paths = await listPaths(tree, "usr");
  return await runCommand("md5sum", paths, { cwd: tree });
}

function formatCopyright({ licence, notices }: Documents): string {
  return `BlockFrame

${licence.trim()}

On Debian systems the texts of common licences, such as that of Apache 2.0,
are in /usr/share/common-licenses.

${notices}`;
}

function formatChangelog(facts: DebFacts): string {
  const date = new Date(facts.epochSeconds * 1000).toUTCString()
    .replace("GMT", "+0000");
  return `blockframe (${debianVersion(facts.version)}) unstable; urgency=medium

${facts.changes.map(formatChange).join("")}
 -- ${facts.maintainer}  ${date}
`;
}

/** The change as one item of the list, its words filled into lines of 76 characters. */
function formatChange(text: string): string {
  const lines: string[] = [];
  let line = "  *";
  for (const word of text.trim().split(/\s+/)) {
    if (line.length + 1 + word.length > 76) {
      lines.push(line);
      line = "   ";
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\n") + "\n";
}

/** Writes a file and the folders above it. */
export async function writeFile(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
}
