// Mount options: `-o a,b=c` of mount(8) and fstab(5) as our own options. Pure.

import { modePattern, userNumberMax } from "./grammar_mount.ts";

/** What a list of options can say. */
export interface MountOptions {
  readonly allowOther?: true;
  readonly noRepair?: true;
  readonly uid?: number;
  readonly gid?: number;
  readonly mode?: string;
  readonly cache?: string;
}

/** The words that say something, for messages. */
export const mountWords =
  "allow_other, no_repair, uid=N, gid=N, mode=MODE and cache=SIZE";

// Words of fstab(5) that mean something to mount(8) or systemd, or that hold anyway.
const ignored = new Set([
  "_netdev",
  "async",
  "atime",
  "auto",
  "default_permissions",
  "defaults",
  "dev",
  "exec",
  "group",
  "lazytime",
  "noatime",
  "noauto",
  "nodev",
  "nodiratime",
  "noexec",
  "nofail",
  "nolazytime",
  "norelatime",
  "nostrictatime",
  "nosuid",
  "nouser",
  "nousers",
  "owner",
  "relatime",
  "ro",
  "rw",
  "strictatime",
  "suid",
  "user",
  "users",
]);

/** What the lists say, or the word that nobody understands. */
export function parseMountOptions(
  lists: readonly string[],
): MountOptions | { readonly problem: string } {
  let options: MountOptions = {};
  for (const word of lists.flatMap((list) => list.split(","))) {
    if (word === "" || ignored.has(word) || /^x-/i.test(word)) continue;
    if (/^(?:comment|user)=/.test(word)) continue;
    const parsed = parseWord(word);
    if (parsed === undefined) {
      return { problem: `-o ${word} is no option of mount` };
    }
    options = { ...options, ...parsed };
  }
  return options;
}

function parseWord(word: string): MountOptions | undefined {
  const [name, value] = word.split(/=(.*)/s);
  if (value === undefined) {
    if (name === "allow_other") return { allowOther: true };
    return name === "no_repair" ? { noRepair: true } : undefined;
  }
  switch (name) {
    case "uid":
    case "gid": {
      const number = /^\d{1,10}$/.test(value) ? Number(value) : NaN;
      return number <= userNumberMax ? { [name]: number } : undefined;
    }
    case "mode":
      return modePattern.test(value) ? { mode: value } : undefined;
    case "cache":
      return value === "" ? undefined : { cache: value };
    default:
      return undefined;
  }
}
