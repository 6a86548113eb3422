import { equal, match, ok } from "node:assert/strict";
import { Desk, listTree, outputOf, repository, run } from "./desk.ts";
import { download, Visit } from "./visit.ts";

/** The commands of docs/release.md that begin with this word, as they stand there. */
function commandsOf(word: string): string[] {
  const text = Deno.readTextFileSync(`${repository}/docs/release.md`);
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .flatMap((block) => block[1]!.split("\n"))
    .filter((line) => line.startsWith(`${word} `));
}

const [generate, sign, verify] = commandsOf("minisign");

/** Runs a line of the document. */
function follow(line: string, cwd: string): { code: number; stderr: string } {
  // A key without a password, so that nobody is asked and nothing derived for seconds.
  return run("sh", ["-c", line.replace("-G", "-G -W")], { cwd });
}

Deno.test("docs/release.md: signing and verifying, command by command", () => {
  using desk = new Desk();
  desk.release();
  for (const line of [generate!, sign!, verify!]) {
    const { code, stderr } = follow(line, desk.dist);
    equal(code, 0, `${line}: ${stderr}`);
  }
  match(
    outputOf("sh", ["-c", verify!], { cwd: desk.dist }),
    /Trusted comment: blockframe 0\.1\.0\n/,
  );
  for (
    const line of commandsOf("sha256sum").filter((one) => /SUMS/.test(one))
  ) {
    equal(follow(line, desk.dist).code, 0, line);
  }
  Deno.writeTextFileSync(`${desk.dist}/SHA256SUMS`, "\n", { append: true });
  equal(follow(verify!, desk.dist).code, 1);
});

Deno.test("install.sh: verifies the signature where a key is given", async () => {
  await using visit = new Visit();
  const folder = `${visit.path}/signing`;
  await Deno.mkdir(folder);
  await Deno.writeFile(
    `${folder}/SHA256SUMS`,
    visit.files.get("SHA256SUMS")!,
  );
  for (const line of [generate!, sign!]) {
    equal(follow(line, folder).code, 0, line);
  }
  visit.files.set(
    "SHA256SUMS.minisig",
    await Deno.readFile(`${folder}/SHA256SUMS.minisig`),
  );
  const file = `${folder}/blockframe.pub`;
  const text = (await Deno.readTextFile(file)).trim().split("\n")[1]!;
  const base = ["--base-url", visit.url, "--prefix", visit.prefix];
  for (const key of [file, text]) {
    const { code, stderr } = await visit.install([
      ...base,
      "--public-key",
      key,
    ]);
    equal(code, 0, stderr);
    ok(listTree(visit.prefix).includes("bin/blockframe"));
    await Deno.remove(visit.prefix, { recursive: true });
  }
  // Sums that somebody else made, for files that fit them: only the signature tells.
  await visit.publish(visit.files.get(download)!);
  const forged = await visit.install([...base, "--public-key", text]);
  equal(forged.code, 1);
  match(forged.stderr, /The signature of SHA256SUMS is not by that key/);
  ok(!listTree(visit.prefix).includes("bin/blockframe"));
  equal((await visit.install(base)).code, 0); // without the key it is believed

  visit.files.delete("SHA256SUMS.minisig");
  const unsigned = await visit.install([...base, "--public-key", text]);
  equal(unsigned.code, 1);
  match(unsigned.stderr, /Cannot download .*SHA256SUMS\.minisig/);
});
