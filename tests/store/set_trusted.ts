// Gives a file an attribute that only root may set, which no store does.

import { openLibc } from "../../ffi/libc.ts";

const encode = (text: string) => new TextEncoder().encode(`${text}\0`);
const [path] = Deno.args;
const libc = openLibc()!;
const result = libc.symbols.lsetxattr(
  encode(path!),
  encode("trusted.blockframe"),
  new Uint8Array(1),
  1n,
  0,
);
Deno.exit(result === 0 ? 0 : 1);
