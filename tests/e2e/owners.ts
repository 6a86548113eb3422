// Owners: where files can be given away at all, so that a test of it means something.

/**
 * Whether root can give what it makes in `folder`, as docs/architecture.md says: the file system keeps
 * times of birth and numbers files and folders alike, which a few overlays do not.
 */
export function canGiveAway(folder: string): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const probe = Deno.makeTempDirSync({ dir: folder });
  try {
    Deno.writeTextFileSync(`${probe}/file`, "");
    const inner = Deno.lstatSync(`${probe}/file`);
    return inner.birthtime !== null && inner.dev === Deno.lstatSync(probe).dev;
  } finally {
    Deno.removeSync(probe, { recursive: true });
  }
}
