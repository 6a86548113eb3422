// Program: the command line that a benchmark measures, which is the start task's own, and the options
// of a benchmark.

const repository = new URL("..", import.meta.url);

/** Command and flags of the start task of deno.json, for any current folder; arguments follow. */
export const program: readonly string[] = readStartTask();

function readStartTask(): string[] {
  const config = new URL("deno.json", repository).pathname;
  const { tasks } = JSON.parse(Deno.readTextFileSync(config));
  const [, ...words] = (tasks.start.command as string).split(" ");
  const main = new URL(words.pop()!, repository).pathname;
  return [Deno.execPath(), ...words, "--config", config, main];
}

/** The value of `--name VALUE` on the benchmark's command line. */
export function optionOf(name: string, fallback: string): string {
  const index = Deno.args.indexOf(`--${name}`);
  return index < 0 ? fallback : Deno.args[index + 1] ?? fallback;
}
