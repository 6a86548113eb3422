// Background: this program once more, as a process that stays when this one ends.

import { programCommand } from "./program_command.ts";

/** What became of a process that was to stay. */
export type Started =
  /** It printed its first line and is there. */
  | { readonly kind: "serving"; readonly line: string }
  | {
    readonly kind: "ended";
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  };

/** Starts `blockframe ARGS` in a session of its own; resolves with its first line, or its end. */
export async function startBackground(
  args: readonly string[],
): Promise<Started> {
  const [program, ...words] = programCommand();
  const child = new Deno.Command(program, {
    args: [...words, ...args],
    cwd: "/",
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let stdout = "";
  while (!stdout.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    stdout += decoder.decode(value, { stream: true });
  }
  const line = stdout.split("\n", 1)[0]!;
  if (line.startsWith('{"type":"mounted"')) {
    child.unref();
    return { kind: "serving", line };
  }
  const [stderr, { code }] = await Promise.all([
    new Response(child.stderr).text(),
    child.status,
  ]);
  return { kind: "ended", code, stdout, stderr };
}
