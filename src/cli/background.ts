// Background: this program once more, as a process that stays when this one ends.

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

// What `deno task start` has, and what a mount needs: a child gets no more than this program may.
const permissions = [
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-ffi",
  "--allow-run=fusermount3",
];

/** Starts `blockframe ARGS` in a session of its own; resolves with its first line, or its end. */
export async function startBackground(
  args: readonly string[],
): Promise<Started> {
  const words = Deno.build.standalone ? [] : [
    "run",
    "--quiet",
    "--no-prompt",
    ...permissions,
    Deno.mainModule,
  ];
  const child = new Deno.Command(Deno.execPath(), {
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
