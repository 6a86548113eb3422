import assert from "node:assert/strict";
import type { Failure } from "../../src/base/errors.ts";
import { tierLimitsDefault } from "../../src/base/limits.ts";
import {
  type Flags,
  planUserFolder,
  readSettings,
  type Settings,
} from "../../src/cli/config.ts";
import { parseConfig, resolvePath } from "../../src/cli/config_file.ts";
import { type FakeWorld, newWorld, portsOf } from "./fakes.ts";

const noFlags: Flags = {
  archive: undefined,
  config: undefined,
  logLevel: undefined,
  logFile: undefined,
  workers: undefined,
  quiet: false,
};

function settle(
  world: Partial<FakeWorld> = {},
  flags: Partial<Flags> = {},
): Promise<Settings> {
  return readSettings({ ...noFlags, ...flags }, portsOf(newWorld(world)));
}

function parse(text: string) {
  return parseConfig(text, "conf/config.toml", "other", "/home/me");
}

Deno.test("readSettings() needs no file, no flag and no variable", async () => {
  const settings = await settle();
  assert.equal(settings.archive, "archive_directory");
  assert.equal(settings.archiveFrom, "default");
  assert.equal(settings.shownLevel, "warn");
  assert.equal(settings.logFile, undefined);
  assert.equal(settings.configFile, undefined);
});

Deno.test("parseConfig() reads every key", async () => {
  const settings = await parse(`
    archive_directory = "/mnt/usb/archive"
    log_level = "debug"
    log_file = "logs/blockframe.log"
    segment_size = "64KiB"
    workers = 0
    [tiers]
    tier1_max = "10KB"
    tier2_max = 100_000
    tier3_max = "1.5MB"
  `);
  assert.deepEqual(settings, {
    archive: "/mnt/usb/archive",
    logLevel: "debug",
    logFile: "conf/logs/blockframe.log",
    segmentBytes: 65_536,
    workers: 0,
    tiers: { tier1Max: 10_000, tier2Max: 100_000, tier3Max: 1_500_000 },
    notes: [],
  });
});

Deno.test("parseConfig() fills the tiers that a file leaves out", async () => {
  const { tiers } = await parse(`[tiers]\ntier1_max = "1KiB"`);
  assert.deepEqual(tiers, { ...tierLimitsDefault, tier1Max: 1024 });
});

Deno.test("parseConfig() takes segment_size_mb with a note", async () => {
  const settings = await parse("segment_size_mb = 8");
  assert.equal(settings.segmentBytes, 8 * 2 ** 20);
  assert.match(settings.notes[0] ?? "", /conf\/config\.toml.*segment_size_mb/);
});

const goodSegments: [string, number][] = [
  [`"1KiB"`, 1024],
  ["1024", 1024],
  [`"2GiB"`, 2 ** 31],
  [`"1.5MiB"`, 1_572_864],
];
for (const [value, bytes] of goodSegments) {
  Deno.test(`parseConfig() takes segment_size = ${value}`, async () => {
    assert.equal((await parse(`segment_size = ${value}`)).segmentBytes, bytes);
  });
}

// Each complaint names the file, the key and what is allowed.
const badFiles: [string, string, RegExp][] = [
  [
    `archive_dirctory = "x"`,
    `"archive_dirctory"`,
    /did you mean "archive_directory"/,
  ],
  [`name = "a site"`, `"name"`, /allowed are archive_directory, log_file/],
  [`[tiers]\ntier4_max = 1`, `"tiers.tier4_max"`, /allowed are tier1_max/],
  [`archive_directory = 7`, "archive_directory is 7", /a path in quotes/],
  [`archive_directory = ""`, `archive_directory is ""`, /a path in quotes/],
  [`log_file = ["a"]`, "log_file is an array", /a path in quotes/],
  [`log_level = "loud"`, `log_level is "loud"`, /error, warn, info, debug/],
  [`log_level = 3`, "log_level is 3", /error, warn, info, debug/],
  [`segment_size = "big"`, `segment_size is "big"`, /a size such as/],
  [`segment_size = 1.5`, "segment_size is 1.5", /a size such as/],
  [`segment_size = true`, "segment_size is true", /a size such as/],
  [`segment_size = 1023`, "segment_size is 1023", /1\.00 KiB to 2\.00 GiB/],
  [`segment_size = "3GiB"`, `segment_size is "3GiB"`, /1\.00 KiB to 2\.00 GiB/],
  [`segment_size_mb = 0`, "segment_size_mb is 0", /1 to 2048/],
  [`segment_size_mb = "8"`, `segment_size_mb is "8"`, /whole number of MiB/],
  [
    `segment_size = 1024\nsegment_size_mb = 1`,
    "segment_size_mb",
    /one of them/,
  ],
  [`tiers = 3`, "tiers is 3", /a table/],
  [`[[tiers]]\ntier1_max = 1`, "tiers is an array", /a table/],
  [`[tiers]\ntier1_max = "x"`, `tiers.tier1_max is "x"`, /a size such as/],
  [`[tiers]\ntier1_max = 0`, "tiers.tier1_max is 0", /a size such as/],
  [`[tiers]\ntier1_max = "2GB"`, "tier1_max", /sizes that grow/],
  [`workers = -1`, "workers is -1", /0 \(no threads\) to 256/],
  [`workers = "2"`, `workers is "2"`, /0 \(no threads\) to 256/],
  [`workers = 1e3`, "workers is 1000", /0 \(no threads\) to 256/],
  [`workers = 1979-05-27`, "workers is a date", /0 \(no threads\) to 256/],
];
for (const [text, key, allowed] of badFiles) {
  Deno.test(`parseConfig() complains about ${text.replaceAll("\n", "; ")}`, async () => {
    await assert.rejects(parse(text), (error: Failure) => {
      assert.equal(error.code, "invalid-config");
      assert.ok(error.message.startsWith("conf/config.toml: "), error.message);
      assert.ok(error.message.includes(key), error.message);
      assert.match(error.message, allowed);
      return true;
    });
  });
}

Deno.test("parseConfig() names the line of a syntax error, in one line", async () => {
  await assert.rejects(
    parse(`workers = 1\nlog_level = "x`),
    (error: Failure) => {
      assert.equal(error.code, "invalid-config");
      assert.match(
        error.message,
        /^conf\/config\.toml: line 2, column \d+: \S/,
      );
      assert.doesNotMatch(error.message, /\n/);
      return true;
    },
  );
});

Deno.test("parseConfig() knows no key from an object's prototype", async () => {
  for (const key of ["__proto__", "constructor", "toString"]) {
    await assert.rejects(parse(`${key} = 1`), /unknown key/);
  }
});

const everywhere: Partial<FakeWorld> = {
  variables: {
    BLOCKFRAME_ARCHIVE: "from_variable",
    BLOCKFRAME_LOG_LEVEL: "INFO",
    BLOCKFRAME_WORKERS: "2",
  },
  files: {
    "config.toml":
      `archive_directory = "from_file"\nlog_level = "error"\nworkers = 1`,
  },
};

Deno.test("readSettings() prefers flag, then variable, then file, then default", async () => {
  const flags = await settle(everywhere, {
    archive: "from_flag",
    logLevel: "debug",
    workers: 3,
  });
  assert.deepEqual(
    [flags.archive, flags.archiveFrom, flags.shownLevel, flags.workers],
    ["from_flag", "flag", "debug", 3],
  );
  const variables = await settle(everywhere);
  assert.deepEqual(
    [
      variables.archive,
      variables.archiveFrom,
      variables.shownLevel,
      variables.workers,
    ],
    ["from_variable", "environment", "info", 2],
  );
  const file = await settle({ ...everywhere, variables: {} });
  assert.deepEqual(
    [file.archive, file.archiveFrom, file.shownLevel, file.workers],
    ["from_file", "file", "error", 1],
  );
});

Deno.test("readSettings() takes an empty variable for an unset one", async () => {
  const settings = await settle({
    variables: {
      BLOCKFRAME_ARCHIVE: "",
      BLOCKFRAME_WORKERS: "",
      BLOCKFRAME_CONFIG: "",
    },
  });
  assert.equal(settings.archiveFrom, "default");
});

const levelRows: [Partial<Flags>, string | undefined, string, string][] = [
  [{}, undefined, "warn", "info"],
  [{ quiet: true }, undefined, "error", "info"],
  [{ quiet: true }, "debug", "error", "debug"],
  [{}, "error", "error", "info"],
  [{ logLevel: "debug", quiet: true }, undefined, "debug", "debug"],
];
for (const [flags, variable, shown, kept] of levelRows) {
  Deno.test(`readSettings() with ${JSON.stringify(flags)} and level ${variable} shows ${shown}, keeps ${kept}`, async () => {
    const settings = await settle({
      variables: variable === undefined
        ? {}
        : { BLOCKFRAME_LOG_LEVEL: variable },
    }, flags);
    assert.deepEqual([settings.shownLevel, settings.keptLevel], [shown, kept]);
  });
}

for (
  const [variables, complaint] of [
    [
      { BLOCKFRAME_LOG_LEVEL: "loud" },
      /BLOCKFRAME_LOG_LEVEL is "loud"; allowed/,
    ],
    [{ BLOCKFRAME_WORKERS: "two" }, /BLOCKFRAME_WORKERS is "two"; allowed/],
    [{ BLOCKFRAME_WORKERS: "999" }, /BLOCKFRAME_WORKERS is "999"; allowed/],
  ] as const
) {
  Deno.test(`readSettings() complains about ${JSON.stringify(variables)}`, async () => {
    await assert.rejects(settle({ variables }), complaint);
  });
}

Deno.test("readSettings() looks here first, then in the user's folder", async () => {
  const home = "/home/me/.config/blockframe/config.toml";
  const both = await settle({
    variables: { HOME: "/home/me" },
    files: { "config.toml": "workers = 1", [home]: "workers = 2" },
  });
  assert.deepEqual([both.configFile, both.workers], ["config.toml", 1]);
  const user = await settle({
    variables: { HOME: "/home/me" },
    files: { [home]: `archive_directory = "archive"` },
  });
  assert.equal(user.archive, "/home/me/.config/blockframe/archive");
});

Deno.test("readSettings() says of a bad file that nobody named why it was read", async () => {
  const files = { "config.toml": 'title = "of another program"' };
  const why = /unknown key "title".* in the current folder; --config names/;
  await assert.rejects(settle({ files }), why);
  const variables = { BLOCKFRAME_CONFIG: "config.toml" };
  await assert.rejects(settle({ files, variables }), /, workers$/);
});

Deno.test("readSettings() skips a file that the sandbox hides, not one that it cannot read", async () => {
  const hidden = await settle({
    files: { "config.toml": new Deno.errors.NotCapable("no --allow-read") },
  });
  assert.equal(hidden.configFile, undefined);
  await assert.rejects(
    settle({
      files: { "config.toml": new Deno.errors.PermissionDenied("no") },
    }),
    (error: Failure) =>
      error.message === 'Cannot read "config.toml": permission denied' &&
      error.code === "invalid-config",
  );
});

Deno.test("readSettings() insists on a file that was named", async () => {
  await assert.rejects(
    settle({}, { config: "gone.toml" }),
    (error: Failure) => {
      assert.equal(error.code, "invalid-config");
      assert.match(
        error.message,
        /"gone\.toml", which --config names: there is/,
      );
      return true;
    },
  );
  await assert.rejects(
    settle({ variables: { BLOCKFRAME_CONFIG: "gone.toml" } }),
    /"gone\.toml", which BLOCKFRAME_CONFIG names/,
  );
  const named = await settle({
    variables: { BLOCKFRAME_CONFIG: "other.toml" },
    files: { "mine.toml": "workers = 5", "other.toml": "workers = 6" },
  }, { config: "mine.toml" });
  assert.equal(named.workers, 5);
});

const folderRows: [
  FakeWorld["system"],
  FakeWorld["variables"],
  string | undefined,
][] = [
  ["other", { HOME: "/home/me" }, "/home/me/.config/blockframe"],
  ["other", { HOME: "/home/me", XDG_CONFIG_HOME: "/x" }, "/x/blockframe"],
  ["other", {}, undefined],
  [
    "darwin",
    { HOME: "/Users/me" },
    "/Users/me/Library/Application Support/blockframe",
  ],
  [
    "windows",
    { APPDATA: "C:\\Users\\me\\AppData\\Roaming" },
    "C:\\Users\\me\\AppData\\Roaming\\blockframe",
  ],
  ["windows", { HOME: "/home/me" }, undefined],
];
for (const [system, variables, folder] of folderRows) {
  Deno.test(`planUserFolder() on ${system} with ${Object.keys(variables)} is ${folder}`, () => {
    assert.equal(
      planUserFolder(portsOf(newWorld({ system, variables }))),
      folder,
    );
  });
}

const pathRows: [string, string, FakeWorld["system"], string][] = [
  ["archive", "config.toml", "other", "archive"],
  ["archive", "./config.toml", "other", "archive"],
  ["archive", "/etc/blockframe.toml", "other", "/etc/archive"],
  ["../archive", "conf/config.toml", "other", "conf/../archive"],
  ["/mnt/a", "conf/config.toml", "other", "/mnt/a"],
  ["~/archive", "conf/config.toml", "other", "/home/me/archive"],
  ["~archive", "config.toml", "other", "~archive"],
  ["D:\\a", "C:\\conf\\config.toml", "windows", "D:\\a"],
  ["a", "C:\\conf\\config.toml", "windows", "C:\\conf\\a"],
];
for (const [value, file, system, path] of pathRows) {
  Deno.test(`resolvePath() makes ${value} in ${file} on ${system} to ${path}`, () => {
    assert.equal(resolvePath(value, file, system, "/home/me"), path);
  });
}
