// Provision: the programs of other people that tests compare with. On Debian as root they are
// installed; elsewhere the caller is told which are missing. Nothing here is needed to run
// BlockFrame itself.

/** A program, how to see that it is there, and the Debian package that has it. */
interface Tool {
  readonly name: string;
  /** A program on the PATH, or a file where it starts with "/". */
  readonly probe: string;
  readonly package: string;
  /** Where the package is for another machine than this one: which, and where to put its files. */
  readonly foreign?: { readonly architecture: string; readonly folder: string };
  readonly why: string;
}

/** Where Debian's packages *-arm64-cross lie, and what else is for 64-bit ARM. */
const armFolder = "/usr/aarch64-linux-gnu";

const tools: readonly Tool[] = [
  {
    name: "b3sum",
    probe: "b3sum",
    package: "b3sum",
    why: "a restored file's BLAKE3 equals the root in the manifest",
  },
  {
    name: "par2",
    probe: "par2",
    package: "par2",
    why: "the other program that repairs files from parity",
  },
  {
    name: "python3",
    probe: "python3",
    package: "python3",
    why: "a reader of the format that shares no code with ours",
  },
  {
    name: "gcc",
    probe: "gcc",
    package: "gcc libc6-dev",
    why: "builds the small program that calls ISA-L",
  },
  {
    name: "curl",
    probe: "curl",
    package: "curl ca-certificates",
    why: "what install.sh downloads with",
  },
  {
    name: "wget",
    probe: "wget",
    package: "wget",
    why: "what install.sh downloads with where there is no curl",
  },
  {
    name: "xz",
    probe: "xz",
    package: "xz-utils",
    why: "packs the downloads of a release",
  },
  {
    name: "zip",
    probe: "zip",
    package: "zip",
    why: "packs the download for Windows",
  },
  {
    name: "minisign",
    probe: "minisign",
    package: "minisign",
    why: "signs a release as docs/release.md says, and verifies it",
  },
  {
    name: "busybox",
    probe: "busybox",
    package: "busybox",
    why: "a small shell and a small wget, for install.sh",
  },
  {
    name: "shellcheck",
    probe: "shellcheck",
    package: "shellcheck",
    why: "what is wrong with install.sh",
  },
  {
    name: "ruby",
    probe: "ruby",
    package: "ruby",
    why: "whether the Homebrew formula is Ruby",
  },
  {
    name: "systemd",
    probe: "/lib/systemd/systemd",
    package: "systemd",
    why: "runs the units that the package brings, with their restrictions",
  },
  {
    name: "bubblewrap",
    probe: "bwrap",
    package: "bubblewrap",
    why: "the walls that docs/operations.md puts around a command",
  },
  {
    name: "isa-l",
    probe: "/usr/include/isa-l.h",
    package: "libisal-dev",
    why: "parity that a third party made, and the speed to compare with",
  },
  {
    name: "exfat",
    probe: "/usr/sbin/mount.exfat-fuse",
    package: "exfat-fuse exfatprogs",
    why: "archives on a real exFAT file system",
  },
  {
    name: "fuse3",
    probe: "fusermount3",
    package: "fuse3", // it brings the library, libfuse3-3 or libfuse3-4
    why: "mounts of an archive, as its users make and end them",
  },
  {
    name: "fio",
    probe: "fio",
    package: "fio",
    why: "somebody else's reads and verification on a mount",
  },
  {
    name: "libfuse3-dev",
    probe: "/usr/include/fuse3/fuse_lowlevel.h",
    package: "libfuse3-dev libc6-dev linux-libc-dev",
    why: "the C headers that our numbers are compared with",
  },
  {
    name: "fuse device",
    probe: "/dev/fuse",
    package: "fuse3",
    why: "the kernel's side of a mount; containers need --device /dev/fuse",
  },
  {
    name: "zsh",
    probe: "zsh",
    package: "zsh",
    why: "completion of command lines, as its users press the key",
  },
  {
    name: "fish",
    probe: "fish",
    package: "fish",
    why: "the same in another shell",
  },
  {
    name: "man",
    probe: "man",
    package: "man-db groff",
    why: "the manual page is formatted without a warning",
  },
  {
    name: "assemblers",
    probe: "aarch64-linux-gnu-as",
    package: "binutils binutils-aarch64-linux-gnu",
    why: "start stubs of executables are what their sources assemble to",
  },
  {
    name: "git",
    probe: "git",
    package: "git",
    why: "an executable names the commit that it was made of",
  },
  {
    name: "fat32",
    probe: "/usr/sbin/mkfs.fat",
    package: "dosfstools",
    why: "archives on a real FAT32 file system",
  },
  {
    name: "user-mode-linux",
    probe: "/usr/bin/linux.uml",
    package: "user-mode-linux",
    why: "a kernel that has FAT32",
  },
  {
    name: "kmod",
    probe: "/usr/sbin/insmod",
    package: "kmod",
    why: "loads FAT32 into that kernel",
  },
  {
    name: "mingw-w64",
    probe: "x86_64-w64-mingw32-gcc",
    // One of the two thread models that "gcc-mingw-w64-x86-64" installs: half the size.
    package: "gcc-mingw-w64-x86-64-win32",
    why: "compiles WinFsp's headers, that our numbers are compared with",
  },
  {
    name: "arm compiler",
    probe: "aarch64-linux-gnu-cpp",
    // The compiler without what assembles and links: a quarter of the size.
    package: "cpp-aarch64-linux-gnu",
    why:
      "compiles FUSE's headers for 64-bit ARM, that our numbers are compared with",
  },
  {
    name: "arm headers",
    probe: `${armFolder}/include/stdint.h`,
    package: "libc6-dev-arm64-cross",
    why: "the C library's headers, which FUSE's include",
  },
  {
    name: "qemu",
    probe: "qemu-aarch64-static",
    package: "qemu-user-static",
    why: "runs programs for 64-bit ARM",
  },
  {
    name: "arm libraries",
    probe: `${armFolder}/lib/libgcc_s.so.1`,
    package: "libc6-arm64-cross libgcc-s1-arm64-cross",
    why: "the C library that programs for 64-bit ARM load",
  },
  {
    name: "arm libfuse",
    probe: `${armFolder}/lib/aarch64-linux-gnu/libfuse3.so.3`,
    package: "libfuse3-3",
    foreign: { architecture: "arm64", folder: armFolder },
    why: "mounts by the program for 64-bit ARM",
  },
  {
    name: "cargo",
    probe: "cargo",
    // Debian's own "cargo" is older than the crate's edition; this is the one for browsers.
    package: "cargo-web",
    why: "tests of the Rust codec (or https://rustup.rs)",
  },
];

/** Installs what is missing of `needed` where that is possible; gives the names still missing. */
export async function provisionTools(
  needed: ReadonlySet<string>,
): Promise<Set<string>> {
  const wanted = tools.filter((tool) => needed.has(tool.name));
  const absent = wanted.filter((tool) => !isThere(tool));
  const packages = absent.filter((tool) => tool.foreign === undefined)
    .flatMap((tool) => tool.package.split(" "));
  if (packages.length > 0 && isDebianRoot()) {
    console.log(`Installing for the tests: ${packages.join(" ")}`);
    await apt("update", "-qq");
    await apt("install", "-y", "-qq", "--no-install-recommends", ...packages);
  }
  if (isDebianRoot()) {
    for (const tool of absent) await extractForeign(tool);
  }
  const missing = wanted.filter((tool) => !isThere(tool));
  for (const tool of missing) console.log(adviceFor(tool));
  return new Set(missing.map((tool) => tool.name));
}

function adviceFor(tool: Tool): string {
  const how = tool.foreign === undefined
    ? ` On Debian: sudo apt-get install ${tool.package}`
    : ` Its files belong in ${tool.foreign.folder}`;
  return `Not here: ${tool.name} (${tool.why}). Suites that need it are skipped.${how}`;
}

function isDebianRoot(): boolean {
  return Deno.build.os === "linux" && Deno.uid() === 0 &&
    exists("/etc/debian_version");
}

async function apt(...args: string[]): Promise<void> {
  const { success } = await new Deno.Command("apt-get", {
    args,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) console.log(`apt-get ${args[0]} failed`);
}

/** Unpacks a package that is for another machine, verified by apt; this one's packages stay as they are. */
async function extractForeign({ package: name, foreign }: Tool): Promise<void> {
  if (foreign === undefined) return;
  const { architecture, folder } = foreign;
  console.log(`Unpacking for the tests: ${name}:${architecture} to ${folder}`);
  const script = `
    place=$(mktemp -d)
    trap 'rm -rf "$place"' EXIT
    cd "$place"
    mkdir -p lists/partial archives/partial
    other() {
      apt-get -qq -o APT::Architecture="$2" -o APT::Architectures="$2" \\
        -o Dir::State::status=/dev/null -o Dir::State::lists="$place/lists" \\
        -o Dir::Cache="$place" -o APT::Sandbox::User=root "$1" $3
    }
    other update "$2"
    other download "$2" "$1"
    dpkg --extract "$1"_*.deb "$3"
  `;
  const { success } = await new Deno.Command("sh", {
    args: ["-ec", script, "sh", name, architecture, folder],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).output();
  if (!success) console.log(`apt-get download ${name} failed`);
}

function isThere(tool: Tool): boolean {
  if (tool.probe.startsWith("/")) return exists(tool.probe);
  const separator = Deno.build.os === "windows" ? ";" : ":";
  const endings = Deno.build.os === "windows" ? [".exe", ".cmd"] : [""];
  return (Deno.env.get("PATH") ?? "").split(separator).some((folder) =>
    endings.some((ending) => exists(`${folder}/${tool.probe}${ending}`))
  );
}

function exists(path: string): boolean {
  // Deno looks at devices only with all permissions, which this program has no use for.
  if (path.startsWith("/dev/")) {
    return new Deno.Command("test", { args: ["-e", path] }).outputSync()
      .success;
  }
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
