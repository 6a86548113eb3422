// Suites: everything that `deno task test` runs, in order, by name. A suite in this list whose
// folder or tests are gone is a failure, and so is a folder of tests that is not in this list
// (tests/house sees to it): nothing leaves the run without a change here.

/** A command whose success is one test: the formatter, the type checker and the like. */
export interface CommandSuite {
  readonly kind: "command";
  readonly name: string;
  /** Arguments of `deno`. */
  readonly args: readonly string[];
}

/** Tests that `deno test` runs. */
export interface DenoSuite {
  readonly kind: "deno";
  readonly name: string;
  /** Folder of the tests. */
  readonly folder: string;
  /** "none" runs them without any permission, which proves that the layer needs none. */
  readonly permissions: "none" | "all";
  /** Files run side by side. For tests that measure no time and share no folder. */
  readonly parallel: boolean;
  /** Its tests mostly wait for processes: twice as many files side by side as there are cores. */
  readonly waits?: boolean;
  /** Uses all cores by itself, or minds what else runs. */
  readonly alone?: boolean;
  /** Programs without which the suite says nothing. */
  readonly needs: readonly string[];
  /** What its tests start as `blockframe`. */
  readonly program: "source" | ExecutableKind;
}

/** An executable that a suite is about, built before it runs. */
export type ExecutableKind = keyof typeof executables;

/** Tests of a Rust crate. */
export interface CargoSuite {
  readonly kind: "cargo";
  readonly name: string;
  /** Arguments of `cargo`. */
  readonly args: readonly string[];
  /** Folder of the crate. */
  readonly folder: string;
  readonly needs: readonly string[];
  /** "tests" counts what the summary counts; "success" is one test. */
  readonly counts: "tests" | "success";
}

/** One line of the final table. */
export type Suite = CommandSuite | DenoSuite | CargoSuite;

/** How the executables are built, and where they are then. */
export const executables = {
  /** What `deno task compile` makes here. */
  executable: { args: ["task", "--quiet", "compile"], path: "dist/blockframe" },
  /** Made by `deno compile` wherever the tests run: by the pair of the npm registry. */
  compiled: {
    args: ["task", "--quiet", "compile", "--pair"],
    path: "dist/blockframe-compiled",
  },
} as const;

/** What needs no test run: `deno task check`. */
export const staticSuites: readonly Suite[] = [
  command("fmt", ["fmt", "--check"]),
  command("lint", ["lint"]),
  command("types", ["check", "--quiet"]),
];

const endToEnd: DenoSuite = {
  ...tests("e2e", ["b3sum"]),
  parallel: true,
  waits: true,
};

/** What every `deno task test` runs after the static suites. */
export const testSuites: readonly Suite[] = [
  tests("house"),
  bareTests("base"),
  bareTests("codec"),
  bareTests("format"),
  // Each of these keeps one core busy: two run at a time, the long ones first.
  tests("store"),
  tests("kill"),
  tests("arm", [
    "qemu",
    "arm libraries",
    "arm libfuse",
    "fuse3",
    "fuse device",
  ]),
  tests("usb", ["exfat", "fat32", "user-mode-linux", "kmod"]),
  tests("interop", ["python3", "b3sum", "cargo", "gcc"]),
  tests("archive"),
  cargo("rust", ["test", "--quiet", "--locked"], "tests"),
  tests("compile", ["assemblers", "git"]),
  tests("mount", [
    "fio",
    "gcc",
    "arm compiler",
    "arm headers",
    "fuse3",
    "fuse device",
    "libfuse3-dev",
    "python3",
  ]),
  {
    ...tests("macfuse", [
      "gcc",
      "fuse3",
      "fuse device",
      "libfuse3-dev",
      "python3",
    ]),
    parallel: true,
  },
  tests("winfsp", ["gcc", "mingw-w64", "cargo"]),
  tests("fault"),
  tests("fuzz"),
  tests("permissions"),
  ...commandSuites(),
  tests("view"),
  tests("cli"),
  command("bench smoke", ["bench", "--allow-all", "--no-check", "bench"]),
  // And these all that there are.
  { ...tests("shells", ["zsh", "fish", "man"]), parallel: true },
  {
    ...tests("package", [
      "gcc",
      "python3",
      "curl",
      "wget",
      "xz",
      "zip",
      "minisign",
      "busybox",
      "shellcheck",
      "ruby",
      "systemd",
      "bubblewrap",
      "fuse3",
      "fuse device",
    ]),
    parallel: true,
  },
  { ...endToEnd, program: "executable" },
  { ...tests("cases"), alone: true },
];

/** What `deno task ok` runs besides: slow, or for those who change the Rust sources. */
export const developerSuites: readonly Suite[] = [
  { ...endToEnd, name: "e2e source" },
  cargo("rust format", ["fmt", "--check"], "success"),
  cargo("rust lint", ["clippy", "--locked", "--", "-D", "warnings"], "success"),
];

/** Whether a suite keeps all cores busy, or must not be disturbed, and so runs alone. */
export function isWide(suite: Suite): boolean {
  return suite.kind === "deno" && (suite.parallel || suite.alone === true);
}

/** Suites that may still have no module, because what they test is being built. */
export const plannedSuites: readonly string[] = [];

/** Where a suite's modules lie, and how their names end; `undefined` where it has none. */
export function modulesOf(
  suite: Suite,
): { folder: string; ending: string } | undefined {
  switch (suite.kind) {
    case "deno":
      return { folder: suite.folder, ending: "_test.ts" };
    case "cargo":
      return { folder: suite.folder, ending: "Cargo.toml" };
    case "command":
      return suite.args[0] === "bench"
        ? { folder: "bench", ending: "_bench.ts" }
        : undefined;
  }
}

function command(name: string, args: readonly string[]): CommandSuite {
  return { kind: "command", name, args };
}

function bareTests(name: string): DenoSuite {
  return {
    kind: "deno",
    name,
    folder: `tests/${name}`,
    permissions: "none",
    parallel: true,
    needs: [],
    program: "source",
  };
}

function tests(name: string, needs: readonly string[] = []): DenoSuite {
  return {
    kind: "deno",
    name,
    folder: `tests/${name}`,
    permissions: "all",
    parallel: false,
    needs,
    program: "source",
  };
}

/** Every command, with each kind of program. */
function commandSuites(): DenoSuite[] {
  const suite = tests("commands", ["b3sum", "fuse3", "fuse device"]);
  return [
    suite,
    { ...suite, name: "commands executable", program: "executable" },
    { ...suite, name: "commands compiled", program: "compiled" },
  ];
}

function cargo(
  name: string,
  args: readonly string[],
  counts: "tests" | "success",
): CargoSuite {
  return {
    kind: "cargo",
    name,
    args,
    folder: "wasm",
    needs: ["cargo", "gcc"],
    counts,
  };
}
