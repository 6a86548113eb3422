// Open archive: the one way from the command line to the engine, loaded when a command needs it.

import type { Archive } from "../archive/archive.ts";
import type { OpenRequest } from "./ports.ts";

/** Loads the engine and opens an archive. @throws {Failure} as the engine's openArchive */
export async function openArchive(request: OpenRequest): Promise<Archive> {
  const engine = await import("../archive/archive.ts");
  return await engine.openArchive(request);
}
