// Node's file system module: the few calls that Deno's own lack. Loading it takes 20 ms: only when
// one of them is needed, never on start-up.

/** The calls that are used. Descriptors are those of openSync and of no other call. */
export interface NodeFileSystem {
  readonly constants: Readonly<Record<string, number>>;
  /** What the file system has free. @throws whatever the system throws, as all of these */
  statfsSync(path: string): { bavail: number; bsize: number };
  /** Opens a file or a folder. */
  openSync(path: string, flags: number): number;
  /** Closes it. */
  closeSync(descriptor: number): void;
  /** What is open. */
  fstatSync(descriptor: number): NodeFileStat;
  /** Sets its permission bits. */
  fchmodSync(descriptor: number, mode: number): void;
  /** Gives it away. */
  fchownSync(descriptor: number, userId: number, groupId: number): void;
}

/** What is read of what fstat gives. */
export interface NodeFileStat {
  readonly dev: number;
  readonly ino: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly nlink: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
  /** Whether it is a plain file. */
  isFile(): boolean;
  /** Whether it is a folder. */
  isDirectory(): boolean;
}

/** The module; undefined in a runtime that has none. */
export function nodeFileSystem(): NodeFileSystem | undefined {
  const scope = globalThis as unknown as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  const module = scope.process?.getBuiltinModule?.("node:fs");
  return module as NodeFileSystem | undefined;
}
