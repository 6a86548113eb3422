// The archive against its peers, whole processes, in one run: commit against `cp` + `sync` and par2,
// health against `b3sum`, restore against `cp` + `sync`. Contenders take turns, so that a machine
// that slows down slows all; what counts is the ratio of medians. Peak memory is the largest
// resident set of the process tree's members, as GNU time has it.
//
//   deno run -A bench/archive_ratio.ts [--mib 1024] [--rounds 5] [--folder /var/tmp] [--no-par2]

import { optionOf, program } from "./program.ts";

interface Options {
  readonly mib: number;
  readonly rounds: number;
  readonly folder: string;
  readonly par2: boolean;
}

interface Run {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMib: number;
}

function parseOptions(args: readonly string[]): Options {
  return {
    mib: Number(optionOf("mib", "1024")),
    rounds: Number(optionOf("rounds", "5")),
    folder: optionOf("folder", "/var/tmp"),
    par2: !args.includes("--no-par2"),
  };
}

/** Runs a command under GNU time; any exit code but the expected one stops the benchmark. */
async function run(command: readonly string[], expected = 0): Promise<Run> {
  const report = await Deno.makeTempFile();
  try {
    const { code, stderr } = await new Deno.Command("/usr/bin/time", {
      args: ["-q", "-o", report, "-f", "%e %U %S %M", ...command],
      stdout: "null",
      stderr: "piped",
    }).output();
    if (code !== expected) {
      throw new Error(
        `${command.join(" ")} ended with ${code}: ${
          new TextDecoder().decode(stderr)
        }`,
      );
    }
    const text = (await Deno.readTextFile(report)).trim().split("\n").at(-1)!;
    const [wall, user, system, peak] = text.split(" ").map(Number);
    return {
      wallSeconds: wall!,
      cpuSeconds: user! + system!,
      peakMib: peak! / 1024,
    };
  } finally {
    await Deno.remove(report);
  }
}

const shell = (script: string) => ["sh", "-c", script];

async function removeAll(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await Deno.remove(path, { recursive: true }).catch(() => {});
  }
  // What earlier runs left to be written must not be charged to the next one.
  await new Deno.Command("sync").output();
}

/** Random bytes that no contender can compress or deduplicate. */
async function makeSource(path: string, mib: number): Promise<void> {
  using file = await Deno.open(path, {
    write: true,
    create: true,
    truncate: true,
  });
  const piece = new Uint8Array(1 << 20);
  for (let index = 0; index < mib; index++) {
    for (let offset = 0; offset < piece.length; offset += 65536) {
      crypto.getRandomValues(piece.subarray(offset, offset + 65536));
    }
    file.writeSync(piece);
  }
  file.syncSync();
}

async function measure(options: Options): Promise<Map<string, Run[]>> {
  const folder = await Deno.makeTempDir({
    dir: options.folder,
    prefix: "blockframe-bench-",
  });
  const source = `${folder}/source.bin`, copy = `${folder}/copy.bin`;
  const archive = `${folder}/archive`, output = `${folder}/output.bin`;
  const results = new Map<string, Run[]>();
  const take = async (name: string, command: readonly string[]) => {
    const runs = results.get(name) ?? [];
    results.set(name, [...runs, await run(command)]);
  };
  try {
    await makeSource(source, options.mib);
    const contenders: [string, readonly string[], string[]][] = [
      ["cp + sync", shell(`cp "${source}" "${copy}" && sync "${copy}"`), [
        copy,
      ]],
      ["commit", [...program, "commit", source, "-a", archive], [archive]],
      ["b3sum, 2 threads", ["b3sum", "--num-threads", "2", source], []],
      ["health", [...program, "health", "-a", archive], []],
      ["restore", [
        ...program,
        "restore",
        "source.bin",
        "-a",
        archive,
        "-o",
        output,
      ], [output]],
    ];
    const warm = shell(
      `cat "${source}" "${source}" > "${copy}.warm"; rm "${copy}.warm"`,
    );
    for (let round = 0; round < options.rounds + 1; round++) {
      if (round === 1) results.clear(); // the first round warms caches and is not counted
      for (const [name, command, outputs] of contenders) {
        // Every writer finds as many freshly freed pages: on a virtual machine a page that was not
        // used lately costs several times one that was, and it would be a lottery who pays.
        await removeAll(...outputs, copy, output);
        if (outputs.length > 0) await run(warm);
        await take(name, command);
      }
    }
    if (options.par2) {
      await removeAll(archive, copy, output);
      await take("par2 create -r10", [
        "par2",
        "create",
        "-q",
        "-q",
        "-r10",
        `${folder}/p.par2`,
        source,
      ]);
    }
  } finally {
    await removeAll(folder);
  }
  return results;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function print(
  options: Options,
  results: ReadonlyMap<string, readonly Run[]>,
): void {
  const wall = (name: string) =>
    median(results.get(name)!.map((each) => each.wallSeconds));
  console.log(
    `${options.mib} MiB of random bytes, ${options.rounds} rounds in turn`,
  );
  console.log(
    "contender            wall s: median (min - max)   cpu s   peak MiB",
  );
  for (const [name, runs] of results) {
    const walls = runs.map((each) => each.wallSeconds);
    const range = `${Math.min(...walls).toFixed(2)} - ${
      Math.max(...walls).toFixed(2)
    }`;
    const cpu = median(runs.map((each) => each.cpuSeconds)).toFixed(2);
    const peak = Math.max(...runs.map((each) => each.peakMib)).toFixed(0);
    console.log(
      `${name.padEnd(20)} ${`${wall(name).toFixed(2)} (${range})`.padEnd(28)} ${
        cpu.padStart(5)
      } ` +
        `${peak.padStart(9)}`,
    );
  }
  const ratios: Record<string, number> = {
    "commit / (cp + sync)": wall("commit") / wall("cp + sync"),
    "health / b3sum": wall("health") / wall("b3sum, 2 threads"),
    "restore / (cp + sync)": wall("restore") / wall("cp + sync"),
  };
  if (results.has("par2 create -r10")) {
    ratios["par2 / commit"] = wall("par2 create -r10") / wall("commit");
  }
  for (const [name, ratio] of Object.entries(ratios)) {
    console.log(`${name.padEnd(24)} ${ratio.toFixed(2)}`);
  }
  console.log(
    JSON.stringify({ mib: options.mib, rounds: options.rounds, ratios }),
  );
}

if (import.meta.main) {
  const options = parseOptions(Deno.args);
  print(options, await measure(options));
}
