// Header: the comment that a tool begins with is its help, too.

/** The comment at the start of the module at `url`, as text. */
export async function readHeader(url: string): Promise<string> {
  const text = await Deno.readTextFile(new URL(url));
  return text.slice(0, text.search(/^(?!\/\/)/m)).replace(/^\/\/ ?/gm, "");
}

/** Whether `args` ask for help. */
export function asksForHelp(args: readonly string[]): boolean {
  return args.includes("--help") || args.includes("-h");
}
