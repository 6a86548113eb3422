// Run Deno: the Deno that runs this, or another one, as a command whose output is read.

/**
 * What `deno ARGS` prints.
 * @throws {Error} with what it said, where it fails.
 */
export function runDeno(
  cwd: URL | undefined,
  ...args: string[]
): Promise<string> {
  return runProgram(Deno.execPath(), args, { ...cwd && { cwd } });
}

/**
 * What a program prints.
 * @throws {Error} with what it said, where it fails.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd?: URL | string;
    readonly env?: Record<string, string>;
  },
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    ...options,
    args: [...args],
    env: { ...options.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  // What follows is of use to those who made that program.
  const said = decoder.decode(stderr).split("\nStack backtrace:")[0]!.trim();
  throw new Error(`${program.split("/").at(-1)} ${args[0]} failed: ${said}`);
}
