// Source stream: a path whose bytes can only be read in order to their end, because its size says
// nothing: a pipe, or a file of a file system that makes its content up as it is read.

import type { ByteReader } from "../base/byte_stream.ts";
import type { Bytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";

/** A stream that a path leads to. */
export type SourceStream = ByteReader & Disposable;

/**
 * The stream at a path, or undefined where a plain file is, or nothing that can be looked at. Does
 * not wait for a writer. @throws {Failure} `wrong-kind` for a pipe without a name for its entry
 */
export function openSourceStream(
  path: string,
  name: string | undefined,
): SourceStream | undefined {
  const info = lookAt(path);
  if (info === undefined) return undefined;
  if (info.isFifo) {
    if (name !== undefined) return new PathStream(path);
    throw new Failure(
      "wrong-kind",
      `Cannot commit "${path}": it is a pipe, which is read only under a name that was given`,
    );
  }
  return info.isFile && info.size === 0 && hasContent(path)
    ? new PathStream(path)
    : undefined;
}

/** Opened by the first read, which waits for somebody to write into a pipe. */
class PathStream implements SourceStream {
  readonly #path: string;
  #file: Deno.FsFile | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async read(target: Bytes): Promise<number> {
    this.#file ??= await Deno.open(this.#path);
    return await this.#file.read(target) ?? 0;
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }
}

function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined; // the one who opens it says why
  }
}

function hasContent(path: string): boolean {
  try {
    using file = Deno.openSync(path);
    return file.readSync(new Uint8Array(1)) !== null;
  } catch {
    return false;
  }
}
