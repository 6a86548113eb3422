// Open archive: the one way from the command line to the engine, loaded when a command needs it.

import type { Archive, ArchiveOptions } from "../archive/archive.ts";

/** Loads the engine and opens an archive. @throws {Failure} as the engine's openArchive */
export async function openArchive(options: ArchiveOptions): Promise<Archive> {
  const engine = await import("../archive/archive.ts");
  return await engine.openArchive(options);
}
