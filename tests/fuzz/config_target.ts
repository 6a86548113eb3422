// Config target: settings files, from TOML that is nearly right to bytes that are none.

import { ok } from "node:assert/strict";
import fc from "fast-check";
import { isFailure } from "../../src/base/errors.ts";
import { segmentBytesMax } from "../../src/base/limits.ts";
import {
  type FileSettings,
  isWorkerCount,
  parseConfig,
  segmentBytesMin,
} from "../../src/cli/config_file.ts";
import { byteMutations, mutateBytes } from "./byte_mutation.ts";
import { readCorpus } from "./corpus.ts";
import { openLaw, type Target } from "./target.ts";

const samples = readCorpus("config", ".toml");
const key = fc.constantFrom(
  "archive_directory",
  "log_file",
  "log_level",
  "segment_size",
  "segment_size_mb",
  "workers",
  "tiers",
  "tiers.tier1_max",
  "tiers.tier2_max",
  "tiers.tier3_max",
  "__proto__",
  "constructor.x",
  '"\\u0000"',
  "unknown",
);
const number = fc.oneof(
  fc.integer().map(String),
  fc.double().map(String),
  fc.constantFrom("0", "-0", "4", "1e3", "0x10", "9223372036854775807", "nan"),
);
const size = fc.tuple(
  fc.oneof(
    fc.nat(100_000).map(String),
    fc.constantFrom("1.5", "", "-1", "1e9"),
  ),
  fc.constantFrom("", "KB", "MiB", "GB", "T", "PiB", "XB", " MB"),
).map(([count, unit]) => `"${count}${unit}"`);
const value = fc.oneof(
  number,
  size,
  fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    "true",
    "[]",
    "{}",
    "{ tier1_max = 5 }",
    "2026-11-21",
    '"warn"',
    '"~/x"',
    '"../x"',
    "[[[[[[]]]]]]",
    `${"[".repeat(5000)}${"]".repeat(5000)}`,
    `"${"x".repeat(100_000)}"`,
  ),
);
const line = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(key, value).map((pair) => pair.join(" = ")),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("[tiers]", "[[tiers]]", "[tiers.x]", "# c", "="),
  },
);
const document = fc.oneof(
  fc.array(line, { maxLength: 5 }).map((lines) => lines.join("\n")),
  fc.tuple(fc.nat(samples.length - 1), byteMutations)
    .map(([which, mutations]) =>
      new TextDecoder().decode(mutateBytes(samples[which]!, mutations))
    ),
);
const system = fc.constantFrom("windows" as const, "darwin" as const, "other");

/** The target. */
export const configTarget: Target = {
  name: "config",
  weight: 15,
  cases: 2000,
  open: () =>
    Promise.resolve(openLaw(fc.asyncProperty(document, system, judge))),
};

async function judge(
  text: string,
  system: "windows" | "darwin" | "other",
): Promise<void> {
  let settings: FileSettings;
  try {
    settings = await parseConfig(text, "/etc/config.toml", system, "/home/me");
  } catch (error) {
    ok(isFailure(error, "invalid-config"), String(error));
    ok(error.message.includes("/etc/config.toml"), error.message);
    return;
  }
  const { segmentBytes, tiers, workers, archive, logFile } = settings;
  ok(segmentBytes === undefined || Number.isSafeInteger(segmentBytes));
  ok((segmentBytes ?? segmentBytesMin) >= segmentBytesMin);
  ok((segmentBytes ?? segmentBytesMin) <= segmentBytesMax);
  ok(workers === undefined || isWorkerCount(workers));
  if (tiers !== undefined) {
    ok(0 < tiers.tier1Max && tiers.tier1Max < tiers.tier2Max);
    ok(tiers.tier2Max < tiers.tier3Max && Number.isSafeInteger(tiers.tier3Max));
  }
  for (const path of [archive, logFile]) {
    ok(path === undefined || (path !== "" && !path.includes("\0")));
  }
}
