// Targets: the machines that an executable can be made for, as `deno compile` spells them, and the
// Deno of the npm registry that stands in where Deno's own download site is out of reach.

/** One file of a package of the npm registry, pinned by its digest. */
export interface RegistryFile {
  /** Name and version. */
  readonly package: string;
  readonly version: string;
  /** Path in the package. */
  readonly path: string;
  /** How much of the file is meant; all of it where undefined. */
  readonly bytes?: number;
  /** SHA-256 of that much. */
  readonly digest: string;
}

/** A machine to make an executable for. */
export interface Target {
  readonly name: string;
  /** The end of a program's name. */
  readonly ending: "" | ".exe";
  /** The Deno and the stub that an executable is made of without `deno compile`. */
  readonly npm?: {
    readonly machine: "x86_64" | "aarch64";
    readonly base: RegistryFile;
  };
}

/** All of them. */
export const targets: readonly Target[] = [
  {
    name: "x86_64-unknown-linux-gnu",
    ending: "",
    npm: {
      machine: "x86_64",
      base: {
        package: "@deno/linux-x64-glibc",
        version: "2.9.6",
        path: "deno",
        digest:
          "bceb5b6a6239b0b010418406d8c77a508f67cf4337d94288f1c19fe71304aab0",
      },
    },
  },
  {
    name: "aarch64-unknown-linux-gnu",
    ending: "",
    npm: {
      machine: "aarch64",
      // The newest that was at hand to be looked at when this was pinned.
      base: {
        package: "@deno/linux-arm64-glibc",
        version: "2.9.5",
        path: "deno",
        digest:
          "e1a70c5eb03b0ebaf761077029ef86b9ba22d50e2b54ca45ce5437457f701b63",
      },
    },
  },
  { name: "x86_64-pc-windows-msvc", ending: ".exe" },
  { name: "x86_64-apple-darwin", ending: "" },
  { name: "aarch64-apple-darwin", ending: "" },
];

/** One file of a package of Python's registry: of the wheel for a platform. */
export interface WheelFile extends RegistryFile {
  /** As pip names it. */
  readonly platform: string;
}

/** A compiler and the runtime that it puts into what it compiles. */
export interface RegistryPair {
  readonly target: string;
  readonly compiler: RegistryFile;
  readonly runtime: RegistryFile | WheelFile;
}

/**
 * Compilers, and runtimes of the same version, which are what a published program begins with that was
 * made by `deno compile`. For proving that the program compiles, not for releases.
 */
export const registryPairs: readonly [RegistryPair, ...RegistryPair[]] = [
  {
    // The newest pair of the npm registry, where the tests run.
    target: "x86_64-unknown-linux-gnu",
    compiler: {
      package: "@deno/linux-x64-glibc",
      version: "2.4.2",
      path: "deno",
      digest:
        "1d6580e813252f6b27a41d97d2e3725a408baa2e765a86e45f65b228d3e93ad6",
    },
    runtime: {
      package: "@vltpkg/cli-linux-x64",
      version: "0.0.0-18",
      path: "vlt",
      // Where the section headers of the runtime end, and the program behind it begins.
      bytes: 85_186_368,
      digest:
        "2705685d7478610b98dcd43acecd457a19810146323041c8af8a88f7dd0b5e82",
    },
  },
  {
    target: "x86_64-pc-windows-msvc",
    compiler: {
      package: "@deno/linux-x64-glibc",
      version: "2.6.8",
      path: "deno",
      digest:
        "8b254e08be2565f608a06bfde3f62f3aabbf8994712f0078c7a7f24bc8c46676",
    },
    // The whole program: its section of resources, which has the other one, is replaced.
    runtime: {
      package: "bids-validator-deno",
      version: "2.4.1",
      platform: "win_amd64",
      path: "bids_validator_deno-2.4.1.data/scripts/bids-validator-deno.exe",
      digest:
        "5aaf98c6631b2458d580fcc9c753bb6a565bc03f9a611ebe9033531377a2ab92",
    },
  },
];
