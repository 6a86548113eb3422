// ELF: what a Linux executable asks of the machine's C library, read from the executable itself, so
// that the package's Depends says what is so. 64-bit, little-endian files; nothing else is released.

/** What an executable needs to start. */
export interface ElfNeeds {
  /** Number of the processor's kind: 62 is x86-64, 183 is aarch64. */
  readonly machine: number;
  /** The newest version of glibc that it names, such as `2.27`. */
  readonly glibc: string;
  /** File names of the libraries that it is linked with, in their order. */
  readonly libraries: readonly string[];
}

// Kinds of sections, and of rows of the one that is called dynamic, as <elf.h> numbers them.
const sectionDynamic = 6;
const sectionVersionNeeds = 0x6ffffffe;
const rowNeeded = 1n;

const sectionHeaderBytes = 64;

/** Reads what the executable at `path` needs. Fails where that is no 64-bit ELF file. */
export async function readElfNeeds(path: string): Promise<ElfNeeds> {
  using file = await Deno.open(path);
  const header = await readAt(file, 0, 64);
  if (header.getUint32(0) !== 0x7f454c46 || header.getUint16(4) !== 0x0201) {
    throw new Error(`${path} is no 64-bit little-endian ELF file`);
  }
  const sectionsAt = Number(header.getBigUint64(40, true));
  const count = header.getUint16(60, true);
  const sections = await readAt(file, sectionsAt, count * sectionHeaderBytes);
  const versions: string[] = [];
  const libraries: string[] = [];
  for (let index = 0; index < count; index++) {
    const at = index * sectionHeaderBytes;
    const kind = sections.getUint32(at + 4, true);
    if (kind !== sectionVersionNeeds && kind !== sectionDynamic) continue;
    const strings = await readSection(
      file,
      sections,
      sections.getUint32(at + 40, true) * sectionHeaderBytes,
    );
    const section = await readSection(file, sections, at);
    if (kind === sectionDynamic) libraries.push(...namesIn(section, strings));
    else versions.push(...versionsIn(section, strings));
  }
  const glibc = versions.filter((name) => /^GLIBC_\d/.test(name))
    .map((name) => name.slice("GLIBC_".length)).sort(compareVersions).at(-1);
  if (glibc === undefined) throw new Error(`${path} names no version of glibc`);
  return { machine: header.getUint16(18, true), glibc, libraries };
}

/** Names of the libraries in a dynamic section. */
function namesIn(section: DataView, strings: DataView): string[] {
  const names: string[] = [];
  for (let at = 0; at + 16 <= section.byteLength; at += 16) {
    if (section.getBigUint64(at, true) !== rowNeeded) continue;
    names.push(textAt(strings, Number(section.getBigUint64(at + 8, true))));
  }
  return names;
}

/** Every version that is asked of any library. */
function versionsIn(section: DataView, strings: DataView): string[] {
  const versions: string[] = [];
  for (let at = 0;;) {
    const count = section.getUint16(at + 2, true);
    let one = at + section.getUint32(at + 8, true);
    for (let index = 0; index < count; index++) {
      versions.push(textAt(strings, section.getUint32(one + 8, true)));
      one += section.getUint32(one + 12, true);
    }
    const next = section.getUint32(at + 12, true);
    if (next === 0) return versions;
    at += next;
  }
}

function readSection(
  file: Deno.FsFile,
  sections: DataView,
  at: number,
): Promise<DataView> {
  const offset = Number(sections.getBigUint64(at + 24, true));
  const bytes = Number(sections.getBigUint64(at + 32, true));
  return readAt(file, offset, bytes);
}

async function readAt(
  file: Deno.FsFile,
  offset: number,
  bytes: number,
): Promise<DataView> {
  const { size } = await file.stat();
  if (offset + bytes > size) throw new Error("The ELF file is cut short");
  await file.seek(offset, Deno.SeekMode.Start);
  const target = new Uint8Array(bytes);
  for (let done = 0; done < bytes;) {
    const count = await file.read(target.subarray(done));
    if (count === null) throw new Error("The ELF file is cut short");
    done += count;
  }
  return new DataView(target.buffer);
}

function textAt(strings: DataView, offset: number): string {
  const bytes = new Uint8Array(strings.buffer, offset);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map(parseVersion) as [number[], number[]];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function parseVersion(text: string): number[] {
  return text.split(".").map(Number);
}
