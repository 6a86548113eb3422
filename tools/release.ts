// Release: from the executables in dist/ makes what is published: a compressed download for each
// target, Debian packages, the bill of materials, the Homebrew formula, install.sh, and SHA256SUMS of
// them all. The same executables give the same bytes on every machine with the same tar, xz, zip and
// dpkg-deb. It signs nothing and publishes nothing: docs/release.md has the recipe.
//
// deno task release               everything
// deno task deb                   --deb: Debian packages only
//   --dist DIR                    where the executables are, and where all goes (dist)
//   --base-url URL                where the downloads will be, for the formula
//   --maintainer 'NAME <MAIL>'    who is asked about the Debian package
//
// The time in all of it is SOURCE_DATE_EPOCH, or that of the last commit.

import configuration from "../deno.json" with { type: "json" };
import { formatBom, type Program, type ReleaseFile } from "./release/bom.ts";
import { runCommand } from "./release/command.ts";
import { asksForHelp, readHeader } from "./header.ts";
import { buildDeb, type DebFacts, writeFile } from "./release/deb.ts";
import {
  type Documents,
  gatherDocuments,
  layOut,
  layOutFlat,
} from "./release/documents.ts";
import { type Download, formatFormula } from "./release/formula.ts";
import { packTarXz, packZip } from "./release/packing.ts";
import { listParts, type Part, readRuntime } from "./release/parts.ts";
import { digestFile, formatSums } from "./release/sums.ts";
import {
  type Executable,
  listExecutables,
  programName,
} from "./release/targets.ts";

interface Options {
  readonly dist: string;
  readonly baseUrl: string;
  readonly maintainer: string;
  readonly debOnly: boolean;
}

/** What is released, and what was learnt of it. */
interface Release {
  readonly version: string;
  readonly commit: string | undefined;
  readonly epochSeconds: number;
  readonly executables: readonly Executable[];
  /** The same, with digests. */
  readonly programs: readonly Program[];
  readonly parts: readonly Part[];
  readonly documents: Documents;
  /** An empty folder to work in. */
  readonly stage: string;
}

const root = new URL("../", import.meta.url);

/** What a download may have: people fetch it over slow lines. */
const downloadBytesMax = 35e6;

async function main(args: readonly string[]): Promise<void> {
  if (asksForHelp(args)) {
    console.log(await readHeader(import.meta.url));
    return;
  }
  const options = parseOptions(args);
  const stage = await Deno.makeTempDir({
    dir: options.dist,
    prefix: ".release-",
  });
  try {
    const release = await openRelease(options, stage);
    const files = await buildDebs(release, options);
    if (options.debOnly) return;
    const downloads = await buildDownloads(release, options);
    files.push(...downloads, ...await buildTexts(release, options, downloads));
    await publishText(options, "SHA256SUMS", formatSums(files));
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

function parseOptions(args: readonly string[]): Options {
  const values = new Map<string, string>();
  const known = ["--dist", "--base-url", "--maintainer"];
  const words = args.filter((word) => word !== "--deb");
  for (let at = 0; at < words.length; at += 2) {
    const [name, value] = [words[at]!, words[at + 1]];
    if (!known.includes(name)) {
      throw new Error(`${name} is no option; --help tells them`);
    }
    if (value === undefined) throw new Error(`${name} needs a value`);
    values.set(name, value);
  }
  return {
    dist: values.get("--dist") ??
      decodeURIComponent(new URL("dist", root).pathname),
    // Nothing has a public home yet. These names can belong to nobody (RFC 2606).
    baseUrl: values.get("--base-url") ?? "https://downloads.invalid/blockframe",
    maintainer: values.get("--maintainer") ??
      "The BlockFrame authors <blockframe@localhost>",
    debOnly: args.includes("--deb"),
  };
}

async function openRelease(options: Options, stage: string): Promise<Release> {
  const executables = await listExecutables(options.dist);
  const own = executables.find(({ target }) =>
    target.name === Deno.build.target
  );
  if (own === undefined) {
    say("No executable is for this machine: no man page, no completions");
  }
  const outputOf = (...args: string[]) => readOutput(own, args);
  const commit = await readCommit(outputOf);
  const programs = await Promise.all(executables.map(describeProgram));
  const runtimes = programs.map(({ runtime }) => runtime);
  const parts = await listParts(root, runtimes);
  return {
    version: configuration.version,
    commit,
    epochSeconds: await readEpoch(),
    executables,
    programs,
    parts,
    documents: await gatherDocuments(root, parts, outputOf),
    stage,
  };
}

async function readOutput(
  own: Executable | undefined,
  args: readonly string[],
): Promise<string | undefined> {
  if (own === undefined) return undefined;
  try {
    return await runCommand(own.path, args);
  } catch (error) {
    say(`Left out: ${(error as Error).message.split("\n")[0]}`);
    return undefined;
  }
}

/** The commit that the executable names. Fails where it is of another version than the checkout. */
async function readCommit(
  outputOf: (...args: string[]) => Promise<string | undefined>,
): Promise<string | undefined> {
  const text = await outputOf("--version", "--json");
  if (text === undefined) return undefined;
  const said = JSON.parse(text);
  if (said.version === configuration.version) {
    if (said.commit?.endsWith("-dirty")) {
      say("Not to be published: it was made of a checkout with changes");
    }
    return said.commit ?? undefined;
  }
  throw new Error(
    `The executable is version ${said.version}, the checkout ` +
      `${configuration.version}: run deno task compile`,
  );
}

async function readEpoch(): Promise<number> {
  const text = Deno.env.get("SOURCE_DATE_EPOCH") ??
    await runCommand("git", ["log", "-1", "--format=%ct"], {
      cwd: decodeURIComponent(root.pathname),
    });
  const seconds = Number(text.trim());
  if (Number.isSafeInteger(seconds) && seconds > 0) return seconds;
  throw new Error(`SOURCE_DATE_EPOCH is no number of seconds: ${text}`);
}

async function buildDebs(
  release: Release,
  options: Options,
): Promise<ReleaseFile[]> {
  const facts: DebFacts = {
    ...release,
    maintainer: options.maintainer,
    changes: await readChanges(),
  };
  const files: ReleaseFile[] = [];
  for (const executable of release.executables) {
    if (executable.target.debian === undefined) continue;
    const stage = `${release.stage}/deb-${executable.target.name}`;
    await Deno.mkdir(stage);
    const path = await buildDeb(
      root,
      executable,
      release.documents,
      facts,
      stage,
      options.dist,
    );
    await Deno.remove(stage, { recursive: true });
    files.push(await describeFile(path));
  }
  return files;
}

async function readChanges(): Promise<string[]> {
  const folder = new URL("changelog/unreleased/", root);
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".md")) names.push(name);
  }
  const texts = names.sort().map((name) =>
    Deno.readTextFile(new URL(name, folder))
  );
  return await Promise.all(texts);
}

async function buildDownloads(
  release: Release,
  options: Options,
): Promise<Download[]> {
  const { version, documents, stage, epochSeconds } = release;
  const downloads: Download[] = [];
  for (const { target, path } of release.executables) {
    const flat = target.packing === "zip";
    const folder = `blockframe-${version}-${target.name}`;
    const files = flat ? layOutFlat(documents) : layOut(documents);
    for (const [place, text] of files) {
      await writeFile(`${stage}/${folder}/${place}`, text);
    }
    const program = `${flat ? "" : "bin/"}${programName(target)}`;
    await Deno.mkdir(`${stage}/${folder}/bin`, { recursive: true });
    await Deno.copyFile(path, `${stage}/${folder}/${program}`);
    await Deno.chmod(`${stage}/${folder}/${program}`, 0o755);
    const packed = `${stage}/${folder}.${target.packing}`;
    const pack = flat ? packZip : packTarXz;
    await pack(stage, folder, packed, epochSeconds);
    const published = `${options.dist}/${folder}.${target.packing}`;
    await Deno.rename(packed, published);
    await Deno.remove(`${stage}/${folder}`, { recursive: true });
    downloads.push({ target, ...await describeFile(published) });
  }
  return downloads;
}

async function buildTexts(
  release: Release,
  options: Options,
  downloads: readonly Download[],
): Promise<ReleaseFile[]> {
  const { version } = release;
  const bom = await formatBom(
    { ...release, executables: release.programs },
    release.parts,
  );
  const template = await Deno.readTextFile(
    new URL("tools/packaging/homebrew/blockframe.rb", root),
  );
  const formula = formatFormula(
    template,
    version,
    options.baseUrl,
    downloads,
  );
  const script = await Deno.readTextFile(new URL("tools/install.sh", root));
  return [
    await publishText(options, "blockframe.cdx.json", bom),
    await publishText(options, "blockframe.rb", formula),
    await publishText(options, "install.sh", script),
  ];
}

async function publishText(
  options: Options,
  name: string,
  text: string,
): Promise<ReleaseFile> {
  await Deno.writeTextFile(`${options.dist}/${name}`, text);
  return await describeFile(`${options.dist}/${name}`);
}

async function describeProgram(
  { target, path }: Executable,
): Promise<Program> {
  return {
    name: `blockframe-${target.name}`,
    sha256: await digestFile(path),
    runtime: await readRuntime(path),
  };
}

async function describeFile(path: string): Promise<ReleaseFile> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const { size } = await Deno.stat(path);
  const note = size > downloadBytesMax
    ? ": more than the 35 MB it may have"
    : "";
  const shown = size < 1e5
    ? `${(size / 1e3).toFixed(1)} kB`
    : `${(size / 1e6).toFixed(1)} MB`;
  say(`${path}  ${shown}${note}`);
  return { name, sha256: await digestFile(path) };
}

function say(line: string): void {
  console.error(line);
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
