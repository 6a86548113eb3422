import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { entryOf, newWorld, run } from "../cli/fakes.ts";
import { assertOffers, Desk } from "./shell.ts";

const names = ["film one.mkv", "film $(touch pwned).mkv", "notes.txt"];

Deno.test("bash completes commands, options, values, files and names, and nothing of a name is run", () => {
  using desk = new Desk();
  desk.furnish(names);
  const script = desk.writeScript("bash");
  // As readline calls it: the words so far, the last one as it was typed.
  const offer = (line: string) =>
    desk.run([
      "bash",
      "--norc",
      "-c",
      `source ${script}
      complete -p blockframe | grep -q -- '-F _blockframe' || exit 9
      COMP_LINE=$1 COMP_POINT=\${#1}; shift
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _blockframe blockframe "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null
      printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      line,
      ...line.split(" "),
    ]).split("\n").filter((each) => each !== "");
  Deno.mkdirSync(`${desk.path}/folder`);
  Deno.writeTextFileSync(`${desk.path}/file`, "");
  assertOffers(offer, {
    "blockframe re": ["restore", "reconstruct", "repair", "remove"],
    "blockframe list --no-": ["--no-color", "--no-progress"],
    "blockframe commit --durability ": ["full", "fast"],
    "blockframe show n": ["notes.txt"],
    "blockframe -a archive_directory show fi": [
      "film\\ one.mkv",
      "film\\ \\$\\(touch\\ pwned\\).mkv",
    ],
    // Between quotes an escape would be a character; what needs one is not offered.
    'blockframe show "film': ["film one.mkv"],
    "blockframe commit fi": ["file"],
    "blockframe import fo": ["folder/"],
    "blockframe -a fi": [],
    "blockframe -a nowhere show ": [],
    "blockframe find ": [],
  });
  equal(desk.run(["ls"]).includes("pwned"), false);
});

Deno.test("bash takes every name that it is offered for one word: that name", async () => {
  const chance = new Prng(5);
  const characters = [..." \"'\\$`!*?[]{}()<>|&;#~=:,.%@^-_aZ0äß日🎉"];
  const many = Array.from({ length: 500 }, () =>
    Array.from(
      { length: 1 + chance.below(12) },
      () => characters[chance.below(characters.length)],
    ).join(""));
  const wanted = [...new Set(many)].filter((name) => !name.startsWith("-"));
  const world = newWorld();
  world.archive.entries = wanted.map((name) => entryOf({ name }));
  await run(world, "completions", "bash", "--", "show", "");
  const lines = world.stdout.split("\n");
  equal(lines.length, wanted.length);
  const { stdout } = await new Deno.Command("bash", {
    args: [
      "--norc",
      "-c",
      `shopt -s failglob\nprintf '%s\\0' ${lines.join(" ")}`,
    ],
    env: { LC_ALL: "C.UTF-8" },
    cwd: "/",
  }).output();
  deepEqual(new TextDecoder().decode(stdout).split("\0").slice(0, -1), wanted);
});

Deno.test("fish completes commands, options, values, files and names", () => {
  using desk = new Desk();
  desk.furnish(names);
  const script = desk.writeScript("fish");
  Deno.writeTextFileSync(`${desk.path}/file`, "");
  const offer = (line: string) =>
    desk.run([
      "fish",
      "--no-config",
      "-c",
      `source ${script}; complete -C '${line}'`,
    ]).split("\n").filter((each) => each !== "");
  const described = offer("blockframe re");
  ok(described.includes("remove\tRemove an entry for good."), `${described}`);
  const offerWords = (line: string) =>
    offer(line).map((each) => each.split("\t")[0]!);
  assertOffers(offerWords, {
    "blockframe re": ["restore", "reconstruct", "repair", "remove"],
    "blockframe list --no-": ["--no-color", "--no-progress"],
    "blockframe commit --durability ": ["full", "fast"],
    "blockframe show film": names.filter((each) => each.startsWith("film")),
    "blockframe commit fi": ["file"],
    "blockframe -a nowhere show ": [],
  });
});

Deno.test("zsh completes commands, options, values, files and names, quoted", () => {
  using desk = new Desk();
  desk.furnish(names);
  const script = desk.writeScript("zsh");
  Deno.writeTextFileSync(`${desk.path}/file`, "");
  const lines = {
    "blockframe rem": "blockframe remove ",
    "blockframe list --no-pro": "blockframe list --no-progress ",
    "blockframe commit --durability fu": "blockframe commit --durability full ",
    "blockframe show n": "blockframe show notes.txt ",
    "blockframe show film\\ o": "blockframe show film\\ one.mkv ",
    "blockframe show film\\ \\$":
      "blockframe show film\\ \\$\\(touch\\ pwned\\).mkv ",
    "blockframe commit fi": "blockframe commit file ",
    "blockframe -a nowhere show n": "blockframe -a nowhere show n",
  };
  // A shell on a pseudo terminal, where the key is pressed; another key shows the line then.
  const typed = Object.keys(lines).map((line) => `${line}\t\x18`).join("\n");
  Deno.writeTextFileSync(`${desk.path}/typed`, typed);
  const shown = desk.run([
    "zsh",
    "-f",
    "-c",
    `zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell 'PROMPT= ; unsetopt beep; autoload -U compinit; compinit -u -D; source ${script}
      show() { print -r -- ">\${(V)BUFFER}<"; BUFFER= ; zle accept-line }
      zle -N show; bindkey "^X" show; print -r -- rea""dy'
    zpty -r -m shell line '*ready*'
    for typed in "\${(@f)$(<typed)}"; do
      zpty -w -n shell "$typed"
      zpty -r -m shell line '*>*<*' && print -r -- "$line"
    done
    zpty -d shell`,
  ], { TERM: "dumb" });
  deepEqual(
    [...shown.matchAll(/>(.*)</g)].map((found) => found[1]),
    Object.values(lines),
  );
  equal(desk.run(["ls"]).includes("pwned"), false);
});

// No PowerShell to run it: its parts are looked at.
Deno.test("the script for PowerShell registers a completer that asks the program", () => {
  using desk = new Desk();
  desk.furnish(["notes.txt"]);
  for (const shell of ["powershell", "pwsh"]) {
    const script = desk.run(["blockframe", "completions", shell]);
    match(
      script,
      /^Register-ArgumentCompleter -Native -CommandName blockframe/,
    );
    match(script, new RegExp(`'completions',? '${shell}',? '--'`));
    equal(script.split("{").length, script.split("}").length);
  }
  const answer = desk.run([
    "blockframe",
    "completions",
    "pwsh",
    "--",
    "show",
    "",
  ]);
  equal(answer.split("\t")[0], "notes.txt");
});
