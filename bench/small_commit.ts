// A small commit, 5 MB: the engine's time in a process that is warm, with and without waiting for
// the disk, beside what writing and syncing the same 20 MB costs by itself; and the whole process.
//
//   deno run -A bench/small_commit.ts [--folder /var/tmp] [--rounds 30]

import { openArchive } from "../src/archive/archive.ts";
import { optionOf, program } from "./program.ts";

const payloadBytes = 5_000_000;

function describe(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.floor(part * (sorted.length - 1))]!.toFixed(1);
  return `median ${at(0.5)} ms (min ${at(0)}, p90 ${at(0.9)})`;
}

async function engineTimes(
  folder: string,
  rounds: number,
  durability: "full" | "fast",
): Promise<number[]> {
  await using archive = await openArchive({
    path: `${folder}/archive`,
    create: true,
    durability,
  });
  const times: number[] = [];
  for (let round = 0; round < rounds + 5; round++) {
    const { elapsedMs, id } = await archive.commit({
      source: `${folder}/source`,
    });
    if (round >= 5) times.push(elapsedMs); // the first ones run code that is not compiled yet
    await archive.remove(id);
  }
  return times;
}

/** Four files of the payload's size, written and synced: the least that a durable commit must do. */
async function plainTimes(folder: string, rounds: number): Promise<number[]> {
  const bytes = await Deno.readFile(`${folder}/source`);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const files: Deno.FsFile[] = [];
    for (let copy = 0; copy < 4; copy++) {
      const file = await Deno.open(`${folder}/copy${copy}`, {
        create: true,
        write: true,
      });
      await file.write(bytes);
      files.push(file);
    }
    await Promise.all(files.map((file) => file.syncData()));
    times.push(performance.now() - start);
    for (const file of files) file.close();
    for (let copy = 0; copy < 4; copy++) {
      await Deno.remove(`${folder}/copy${copy}`);
    }
  }
  return times;
}

async function processTimes(folder: string, rounds: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const args = [
      ...program.slice(1),
      "commit",
      `${folder}/source`,
      "-a",
      `${folder}/archive`,
      "-q",
      "--force", // every round commits the same file
    ];
    const start = performance.now();
    const { success } = await new Deno.Command(program[0]!, { args })
      .output();
    if (!success) throw new Error("the commit failed");
    times.push(performance.now() - start);
  }
  return times;
}

const folder = await Deno.makeTempDir({ dir: optionOf("folder", "/var/tmp") });
try {
  const rounds = Number(optionOf("rounds", "30"));
  const bytes = new Uint8Array(payloadBytes);
  for (let offset = 0; offset < payloadBytes; offset += 50_000) {
    crypto.getRandomValues(bytes.subarray(offset, offset + 50_000));
  }
  await Deno.writeFile(`${folder}/source`, bytes);
  const fast = describe(await engineTimes(folder, rounds, "fast"));
  const full = describe(await engineTimes(folder, rounds, "full"));
  console.log(`engine, not waiting for the disk   ${fast}`);
  console.log(`engine, durable                    ${full}`);
  console.log(
    `4 files written and synced, alone  ${
      describe(await plainTimes(folder, rounds))
    }`,
  );
  console.log(
    `whole process, durable             ${
      describe(await processTimes(folder, rounds))
    }`,
  );
} finally {
  await Deno.remove(folder, { recursive: true });
}
