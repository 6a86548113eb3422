import assert from "node:assert/strict";

const root = new URL("../../", import.meta.url);

interface ModuleGraph {
  readonly roots: readonly string[];
  readonly redirects?: Readonly<Record<string, string>>;
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly isDynamic?: boolean;
      readonly code?: { readonly specifier?: string };
    }[];
  }[];
}

async function runDeno(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

// What is loaded before the command line is even looked at.
async function listStaticModules(): Promise<string[]> {
  const { stdout } = await runDeno("info", "--json", "main.ts");
  const graph: ModuleGraph = JSON.parse(stdout);
  const modules = new Map(graph.modules.map((one) => [one.specifier, one]));
  const seen = new Set<string>();
  const open = [...graph.roots];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const specifier = graph.redirects?.[next] ?? next;
    if (seen.has(specifier)) continue;
    seen.add(specifier);
    for (const one of modules.get(specifier)?.dependencies ?? []) {
      const target = one.code?.specifier;
      if (one.isDynamic !== true && target !== undefined) open.push(target);
    }
  }
  return [...seen];
}

Deno.test("main.ts loads no node: module, no package, no codec and no engine at start", async () => {
  const modules = await listStaticModules();
  assert.ok(modules.some((one) => one.endsWith("/src/cli/run.ts")));
  const heavy = modules.filter((one) =>
    /^node:|^npm:|\.wasm$|\/src\/(?:codec|format|store|archive)\//.test(one)
  );
  assert.deepEqual(heavy, []);
});

const bare = ["run", "--no-prompt", "--quiet", "--no-check", "main.ts"];

Deno.test("main.ts prints its version, without any permission", async () => {
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", root)),
  );
  for (const word of ["--version", "version"]) {
    const { code, stdout, stderr } = await runDeno(...bare, word);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.equal(stdout.split("\n")[0], `blockframe ${version}`);
  }
});

Deno.test("main.ts helps without any permission", async () => {
  for (const args of [["--help"], ["commit", "--help"], ["help", "health"]]) {
    const { code, stdout, stderr } = await runDeno(...bare, ...args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Usage: blockframe|\nUsage: blockframe/);
    assert.equal(stderr, "");
  }
});

Deno.test("main.ts prints scripts for shells and the manual without any permission", async () => {
  for (
    const [args, start] of [
      [["completions", "bash"], "\nfunction _blockframe"],
      [["man"], '.TH BLOCKFRAME 1 "" "blockframe '],
      [["completions", "bash", "--", "li"], "list"],
      // What it may not know, it says nothing about.
      [["completions", "bash", "--", "show", ""], ""],
    ] as const
  ) {
    const { code, stdout, stderr } = await runDeno(...bare, ...args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.ok(`\n${stdout}`.includes(start), stdout);
    assert.ok(start !== "" || stdout === "", stdout);
  }
});

Deno.test("systemPorts() gives up for good whatever could change something", async () => {
  const module = new URL("src/cli/system.ts", root).href;
  const { stdout, stderr } = await runDeno(
    "eval",
    "--no-lock",
    `import { systemPorts } from "${module}";
     systemPorts(() => undefined).giveUpChanges();
     const names = ["read", "env", "write", "run", "net", "ffi"];
     for (const name of names) {
       console.log(name, Deno.permissions.querySync({ name }).state);
     }`,
  );
  assert.equal(stderr, "");
  assert.equal(
    stdout,
    "read granted\nenv granted\nwrite prompt\nrun prompt\nnet prompt\nffi prompt\n",
  );
});

Deno.test("main.ts ends with 16 and no stack on a usage error, without any permission", async () => {
  const { code, stdout, stderr } = await runDeno(...bare, "lisst");
  assert.equal(code, 16);
  assert.equal(stdout, "");
  assert.equal(
    stderr,
    `blockframe: error: Unexpected option or argument: "lisst". Did you mean list?\n` +
      "hint: `blockframe --help` shows what is possible\n",
  );
});

Deno.test("main.ts ends quietly when nobody reads its output", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...bare, "--help"],
    cwd: root,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stdout.cancel();
  const [status, stderr] = await Promise.all([
    child.status,
    new Response(child.stderr).text(),
  ]);
  assert.equal(stderr, "");
  assert.ok([0, 141].includes(status.code), `${status.code}`);
});
