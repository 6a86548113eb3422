// Tier 4 at its real size: a sparse file of more than 36 GB is committed, loses a whole block and
// three shards of every other one, is restored from what is left and compared, repaired, and
// restored again. Whole processes; peak memory is the largest resident set, as GNU time has it.
//
//   deno run -A bench/tier4_run.ts [--gb 36.5] [--data-mib 2048] [--folder /var/tmp]
//
// Needs a disk with room for about three times the data and for 13 % of the whole; the rest of the
// file is holes, which cost nothing. It cleans up after itself.

import { optionOf, program } from "./program.ts";

const pieceBytes = 256 * 1024;
const parity = 3;

/** Runs a command, prints what it took, and stops everything where it ends as it should not. */
async function run(
  title: string,
  command: readonly string[],
  expected: number,
): Promise<void> {
  const report = await Deno.makeTempFile();
  const { code, stdout, stderr } = await new Deno.Command("/usr/bin/time", {
    args: ["-q", "-o", report, "-f", "%e %U %S %M", ...command],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (await Deno.readTextFile(report)).trim().split("\n").at(-1)!;
  await Deno.remove(report);
  const [wall, user, system, peak] = text.split(" ").map(Number);
  console.log(
    `${title.padEnd(34)} ${wall!.toFixed(0).padStart(6)} s wall  ${
      (user! + system!).toFixed(0).padStart(6)
    } s cpu  ${(peak! / 1024).toFixed(0).padStart(5)} MiB peak`,
  );
  if (code === expected) return;
  const decoder = new TextDecoder();
  throw new Error(
    `${title} ended with ${code}: ${decoder.decode(stdout).slice(-2000)}${
      decoder.decode(stderr).slice(-2000)
    }`,
  );
}

/** Random bytes here and there, holes between them. */
async function makeSource(path: string, bytes: number, dataMib: number) {
  using file = await Deno.open(path, { write: true, createNew: true });
  const pieces = dataMib * 1024 * 1024 / pieceBytes;
  const piece = new Uint8Array(pieceBytes);
  for (let index = 0; index < pieces; index++) {
    for (let offset = 0; offset < pieceBytes; offset += 65536) {
      crypto.getRandomValues(piece.subarray(offset, offset + 65536));
    }
    const at = Math.floor(index * (bytes - pieceBytes) / (pieces - 1));
    file.seekSync(at, Deno.SeekMode.Start);
    file.writeSync(piece);
  }
  file.truncateSync(bytes);
  file.syncSync();
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((each) => each.name).sort();
}

/** Takes away one block, and three shards of every other: two files whole, of one the half. */
function damage(entry: string): void {
  const blocks = namesIn(`${entry}/blocks`);
  const gone = blocks[Math.floor(blocks.length / 2)]!;
  let shards = 0;
  blocks.forEach((block, index) => {
    const folder = `${entry}/blocks/${block}`;
    if (block === gone) {
      Deno.removeSync(folder, { recursive: true });
      return;
    }
    const files = ["segments", "parity"].flatMap((inner) =>
      namesIn(`${folder}/${inner}`).map((name) => `${folder}/${inner}/${name}`)
    );
    for (let lost = 0; lost < parity; lost++) {
      const path = files[(7 * index + 10 * lost) % files.length]!;
      if (lost < 2) Deno.removeSync(path);
      else Deno.truncateSync(path, Deno.statSync(path).size >> 1);
      shards++;
    }
  });
  console.log(`lost: ${gone} of ${blocks.length}, and ${shards} more shards`);
}

async function main(): Promise<void> {
  const bytes = Math.floor(Number(optionOf("gb", "36.5")) * 1e9);
  const dataMib = Number(optionOf("data-mib", "2048"));
  const folder = await Deno.makeTempDir({
    dir: optionOf("folder", "/var/tmp"),
    prefix: "blockframe-tier4-",
  });
  const source = `${folder}/source.bin`, output = `${folder}/output.bin`;
  const archive = `${folder}/archive`;
  const restore = ["restore", "source.bin", "-a", archive, "-o", output];
  const health = [...program, "health", "-a", archive];
  const used = async (title: string, path: string) => {
    const { stdout } = await new Deno.Command("du", { args: ["-sm", path] })
      .output();
    const mib = new TextDecoder().decode(stdout).split("\t")[0];
    console.log(`${title.padEnd(34)} ${mib!.padStart(6)} MiB on the disk`);
  };
  const restored = async (title: string, expected: number) => {
    await run(title, [...program, ...restore], expected);
    await used("the output", output);
    await run("cmp with the source", ["cmp", source, output], 0);
    await Deno.remove(output);
  };
  try {
    await makeSource(source, bytes, dataMib);
    console.log(`a file of ${bytes} bytes, ${dataMib} MiB of them data`);
    await run("commit", [...program, "commit", source, "-a", archive], 0);
    await used("the archive", archive);
    await run("health --check", [...health, "--check"], 0);
    const [entry] = namesIn(archive)
      .filter((name) => name.startsWith("source.bin_"));
    damage(`${archive}/${entry}`);
    await restored("restore, damaged", 1);
    await run("health --check, damaged", [...health, "--check"], 4);
    await run("health, repairing", health, 1);
    await run("health --check, repaired", [...health, "--check"], 0);
    await used("the archive, repaired", archive);
    await restored("restore, repaired", 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

await main();
