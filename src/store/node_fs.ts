// Node's file system module: the few calls that Deno's own lack. Loading it takes 20 ms: only when
// one of them is needed, never on start-up.

/** The calls that are used. Descriptors are those of openSync and of no other call. */
export interface NodeFileSystem {
  readonly constants: Readonly<Record<string, number>>;
  statfsSync(path: string): { bavail: number; bsize: number };
  openSync(path: string, flags: number): number;
  closeSync(descriptor: number): void;
  fstatSync(descriptor: number): NodeFileStat;
  fchmodSync(descriptor: number, mode: number): void;
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
  isFile(): boolean;
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
