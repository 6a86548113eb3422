// On a terminal: the program runs under `script`, which gives it one. What it prints comes as the
// terminal saw it: both streams together, lines ended by "\r\n".

import { doesNotMatch, equal, match, ok } from "node:assert/strict";
import { startOf } from "./home.ts";
import { listTree } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

const hasScript = Deno.build.os === "linux" &&
  new Deno.Command("sh", { args: ["-c", "command -v script"] }).outputSync()
    .success;

function onTerminal(name: string, body: () => Promise<void>): void {
  Deno.test({ name, ignore: !hasScript, fn: body });
}

for (
  const { answer, code, said, removed } of [
    { answer: "y\n", code: 0, said: /✓.* Removed file/, removed: true },
    { answer: "yes\n", code: 0, said: /✓.* Removed file/, removed: true },
    { answer: "n\n", code: 0, said: /Nothing was removed/, removed: false },
    { answer: "\n", code: 0, said: /Nothing was removed/, removed: false },
    { answer: "\x03", code: 130, said: /error:.* Interrupted/, removed: false },
  ]
) {
  onTerminal(
    `remove asks; the answer ${JSON.stringify(answer)} counts`,
    async () => {
      using work = new Workplace();
      await work.commit("file", 20 * kib);
      const ending = await runOnTerminal(work, ["remove", "file"], answer);
      match(
        ending.text,
        /Remove file \(20\.0 KiB, committed .* UTC, id [0-9a-f]{16}\)\? It cannot be undone\. \[y\/N\] /,
      );
      match(ending.text, said);
      equal(ending.code, code, ending.text);
      equal(listTree(work.archive).length === 0, removed);
    },
  );
}

onTerminal("progress is shown on one line and taken away", async () => {
  using work = new Workplace({ config: undefined });
  await work.commit("file", 60 * kib * kib);
  const { code, text } = await runOnTerminal(work, ["health"]);
  equal(code, 0);
  match(text, /\rhealth file {2}\d+ %/);
  ok(
    text.endsWith(
      "\r\x1b[K\x1b[32m✓\x1b[0m file: healthy (2 segments)\r\n" +
        "1 entry: 1 healthy\r\n",
    ),
    JSON.stringify(text.slice(-120)),
  );
  for (const flags of [["--no-progress"], ["-q"]]) {
    const { text } = await runOnTerminal(work, ["health", ...flags]);
    doesNotMatch(text, /%/);
  }
});

onTerminal(
  "a terminal shows what the program says and nothing else",
  async () => {
    using work = new Workplace();
    const { code, text } = await runOnTerminal(work, ["version", "--no-color"]);
    equal(code, 0);
    equal(
      text.replaceAll("\r\n", "\n"),
      (await work.expect(0, ["version"])).stdout,
    );
  },
);

onTerminal("colours are for terminals that want them", async () => {
  using work = new Workplace();
  await work.commit("file", 20 * kib);
  const hasColor = (text: string) => /\[3\d[m]/.test(text);
  ok(hasColor((await runOnTerminal(work, ["health"])).text));
  const plain:
    readonly (readonly [readonly string[], Record<string, string>])[] = [
      [["--no-color"], {}],
      [[], { NO_COLOR: "1" }],
      [[], { TERM: "dumb" }],
    ];
  for (const [flags, env] of plain) {
    const args = ["health", ...flags];
    ok(!hasColor((await runOnTerminal(work, args, "", env)).text));
  }
  ok(!hasColor((await work.expect(0, ["health"])).stdout));
});

/** Runs the program on a terminal of its own, where `answer` is typed when it asks. */
async function runOnTerminal(
  work: Workplace,
  args: readonly string[],
  answer = "",
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; text: string }> {
  const start = startOf(args);
  const line = start.words.map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", line, "/dev/null"],
    cwd: work.path,
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "", // for `script`
      ...start.env,
      TERM: "xterm",
      ...env,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    text += decoder.decode(bytes, { stream: true });
    if (answer === "" || !text.includes("[y/N]")) continue;
    await writer.write(new TextEncoder().encode(answer));
    answer = "";
  }
  await writer.close().catch(() => {}); // it may have gone with the terminal
  const { code } = await child.status;
  return { code, text };
}
