// Command: other programs that a release is made with. What they need to give the same bytes
// everywhere is in their environment: no locale, no time zone, one thread.

/** What a program may be given besides its arguments. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A file to take as standard input. */
  readonly input?: string;
  /** A file to write standard output to. */
  readonly output?: string;
}

const steadyEnvironment = {
  LC_ALL: "C.UTF-8",
  TZ: "UTC",
  // Compressed by several threads, the same content gives other bytes.
  DPKG_DEB_THREADS_MAX: "1",
  XZ_DEFAULTS: "",
  XZ_OPT: "",
  GZIP: "",
  ZIPOPT: "",
};

/** Runs a program and gives what it printed. Fails with its messages when it fails. */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const command = new Deno.Command(program, {
    args: [...args],
    env: { ...steadyEnvironment, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin: options.input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
  const child = spawn(program, command);
  const [stdout, stderr, { success, code }] = await Promise.all([
    readOut(child.stdout, options.output),
    new Response(child.stderr).text(),
    child.status,
    options.input === undefined ? undefined : feed(child, options.input),
  ]);
  if (success) return stdout;
  throw new Error(
    `${program} ${args.join(" ")} ended with ${code}: ${stderr.trim()}`,
  );
}

function spawn(program: string, command: Deno.Command): Deno.ChildProcess {
  try {
    return command.spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `${program} is not installed. On Debian: apt-get install ${
        program === "xz" ? "xz-utils" : program
      }`,
    );
  }
}

async function readOut(
  stdout: ReadableStream<Uint8Array>,
  path: string | undefined,
): Promise<string> {
  if (path === undefined) return await new Response(stdout).text();
  const file = await Deno.open(path, { write: true, createNew: true });
  await stdout.pipeTo(file.writable);
  return "";
}

async function feed(child: Deno.ChildProcess, path: string): Promise<void> {
  const file = await Deno.open(path);
  await file.readable.pipeTo(child.stdin).catch((error) => {
    // A program that ended early says why itself.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  });
}
