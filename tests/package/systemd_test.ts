import { deepStrictEqual, equal, match } from "node:assert/strict";
import { repository, run } from "./desk.ts";
import { archive, Machine } from "./machine.ts";

const units = `${repository}/tools/packaging/systemd`;
const health = "blockframe-health@mnt-usb-archive.service";

// The end of the unit is the end of the machine, and its exit code is kept.
const lastUnit = `
[Unit]
SuccessAction=exit-force
FailureAction=exit-force
[Service]
StandardOutput=append:/report/out
StandardError=append:/report/err
ExecStopPost=+/bin/sh -c 'echo "$EXIT_CODE $EXIT_STATUS" > /report/code'
`;

/** The executable, made once for all tests here. */
const program = compile();

function compile(): string {
  const folder = Deno.makeTempDirSync({ prefix: "blockframe-" });
  addEventListener("unload", () => {
    Deno.removeSync(folder, { recursive: true });
  });
  const { code, stderr } = run(Deno.execPath(), [
    "task",
    "compile",
    "--output",
    folder,
  ], { cwd: repository });
  equal(code, 0, stderr);
  return `${folder}/blockframe`;
}

Deno.test("systemd accepts the units, and finds little exposed", () => {
  const names = [...Deno.readDirSync(units)].map(({ name }) => name);
  const paths = names.map((name) => `${units}/${name}`);
  const verified = run("systemd-analyze", ["verify", "--man=no", ...paths]);
  const lines = verified.stderr.split("\n").filter((line) =>
    line !== "" && !line.includes("/usr/bin/blockframe is not executable")
  );
  deepStrictEqual(lines, []);
  // In tenths, where 10 is a service without any restriction.
  for (const [name, most] of [["health", 15], ["mount", 45]]) {
    const exposure = run("systemd-analyze", [
      "security",
      "--offline=true",
      `--threshold=${most}`,
      `${units}/blockframe-${name}@.service`,
    ]);
    equal(exposure.code, 0, exposure.stdout);
  }
});

Deno.test("the health unit repairs an archive inside all of its restrictions, and fails to be seen", () => {
  using machine = new Machine(program);
  const content = new Uint8Array(300_000).fill(7);
  commit(machine, "letter", content);
  const folder = [...Deno.readDirSync(machine.archive)]
    .map(({ name }) => name).find((name) => name.startsWith("letter_"))!;
  const segment = `${machine.archive}/${folder}/segments/segment_0.dat`;
  // Somebody's archive: what the unit makes is theirs.
  equal(run("chown", ["-R", "1234:1235", machine.archive]).code, 0);
  Deno.removeSync(segment);
  machine.writeUnit(`${health}.d/probe.conf`, lastUnit);

  machine.run(health);
  equal(machine.readReport("err"), "");
  match(machine.readReport("out"), /^✗ letter: 1 missing segment\n/);
  equal(machine.readReport("code"), "exited 1\n");
  deepStrictEqual(Deno.readFileSync(segment), content);
  const { mode, uid, gid } = Deno.statSync(segment);
  deepStrictEqual([mode! & 0o777, uid, gid], [0o644, 1234, 1235]);

  machine.run(health);
  equal(machine.readReport("out"), "");
  equal(machine.readReport("code"), "exited 0\n");
});

Deno.test("whatever runs in the health unit reaches nothing but the archive", () => {
  // Deno itself, with every permission of its own, so that only systemd's restrictions are left.
  using machine = new Machine(Deno.execPath());
  const attempts = {
    writeArchive: `Deno.writeTextFileSync("${archive}/x", "")`,
    writeOutside: `Deno.writeTextFileSync("/srv/x", "")`,
    writeHome: `Deno.writeTextFileSync("/root/x", "")`,
    startProgram: `new Deno.Command("/bin/true").outputSync()`,
    runOwnFile: `Deno.copyFileSync("/bin/true", "${archive}/true");
      Deno.chmodSync("${archive}/true", 0o755);
      new Deno.Command("${archive}/true").outputSync()`,
    listen: `Deno.listen({ port: 0 }).close()`,
    becomeUser: `Deno.chownSync("${archive}", 65534, 65534)`,
    giveAway: `const fs = process.getBuiltinModule("node:fs");
      fs.fchownSync(fs.openSync("/srv", 0), 65534, 65534)`,
    device: `Deno.openSync("/dev/fuse")`,
  };
  const script = Object.entries(attempts).map(([name, code]) =>
    `try { ${code}; console.log("${name} works") } catch {}`
  ).join("\n");
  Deno.writeTextFileSync(`${machine.archive}/probe.js`, script);
  const drop = (restrictions: string) =>
    `${lastUnit}
Environment=DENO_NO_UPDATE_CHECK=1
ExecStart=
ExecStart=/usr/bin/blockframe run --no-config --allow-all ${archive}/probe.js
${restrictions}`;

  machine.writeUnit(`${health}.d/probe.conf`, drop(""));
  machine.run(health);
  equal(machine.readReport("out"), "writeArchive works\n");

  // Without the restrictions all of it works: the probe means something.
  machine.writeUnit(health, `[Service]\nType=oneshot\nExecStart=/bin/true\n`);
  machine.run(health);
  const free = machine.readReport("out").trim().split("\n");
  deepStrictEqual(free, Object.keys(attempts).map((name) => `${name} works`));
});

Deno.test("the mount unit shows the archive to the other services", () => {
  using machine = new Machine(program);
  commit(machine, "letter", new TextEncoder().encode("kept"));
  machine.writeSettings(
    "photos.conf",
    `ARCHIVE=${archive}\nMOUNTPOINT=/srv/photos\nOPTIONS=--no-repair --mode 440\n`,
  );
  machine.writeSettings(
    "look.sh",
    `stat -c %a /srv/photos/letter && cat /srv/photos/letter
     systemctl stop blockframe-mount@photos && ls -A /srv/photos`,
  );
  machine.writeUnit(
    "look.service",
    `[Unit]\nAfter=blockframe-mount@photos.service
${lastUnit}Type=oneshot\nExecStart=/bin/sh /etc/blockframe/look.sh\n`,
  );
  machine.run("blockframe-mount@photos.service", "look.service");
  equal(machine.readReport("err"), "");
  equal(machine.readReport("out"), "440\nkept");
});

Deno.test("a mount that cannot come up fails its unit, and nothing waits for it", () => {
  using machine = new Machine(program);
  machine.writeSettings(
    "photos.conf",
    `ARCHIVE=${archive}/none\nMOUNTPOINT=/srv/photos\nOPTIONS=--no-repair\n`,
  );
  machine.writeUnit(
    "blockframe-mount@.service.d/probe.conf",
    `${lastUnit}Restart=no\n`,
  );
  machine.run("blockframe-mount@photos.service");
  match(machine.readReport("err"), /there is no such folder/);
  match(machine.readReport("code"), /^exited [1-9]/);
});

Deno.test("a line of fstab mounts what a service needs before it starts", () => {
  using machine = new Machine(program);
  commit(machine, "letter", new TextEncoder().encode("kept"));
  // What systemd makes of the line in docs/mount.md.
  machine.writeUnit(
    "srv-photos.mount",
    `[Mount]\nType=fuse.blockframe\nWhat=${archive}\nWhere=/srv/photos
Options=allow_other,nofail,mode=440\n`,
  );
  machine.writeUnit(
    "look.service",
    `[Unit]\nRequiresMountsFor=/srv/photos
${lastUnit}Type=oneshot\nExecStart=/bin/cat /srv/photos/letter\n`,
  );
  machine.run("look.service");
  equal(machine.readReport("err"), "");
  equal(machine.readReport("out"), "kept");
});

Deno.test("docs/operations.md: bubblewrap's walls, as they stand there", () => {
  using machine = new Machine(program);
  commit(machine, "letter", new TextEncoder().encode("kept"));
  const folder = [...Deno.readDirSync(machine.archive)]
    .map(({ name }) => name).find((name) => name.startsWith("letter_"))!;
  Deno.removeSync(`${machine.archive}/${folder}/segments/segment_0.dat`);
  const text = Deno.readTextFileSync(`${repository}/docs/operations.md`);
  const command = text.match(/^bwrap [\s\S]*?(?=^```)/m)![0];
  const inside = (line: string) => {
    // The archive lies in /tmp here, and so does the program.
    const here = line.replace(
      " --bind",
      ` --ro-bind ${program} /tmp/blockframe --bind`,
    ).replaceAll("\n  blockframe ", "\n  /tmp/blockframe ");
    return run("sh", ["-c", here], { env: { archive: machine.archive } });
  };
  const { code, stdout, stderr } = inside(command);
  equal(stderr, "");
  match(stdout, /^✗ letter: 1 missing segment\n/);
  equal(code, 1);
  const [walls] = command.split("\n  blockframe");
  equal(inside(`${walls}\n  touch "$archive/x"`).code, 0);
  equal(inside(`${walls}\n  touch /var/tmp/x`).code, 1);
  const onlyLoopback = 'test "$(grep -c : /proc/net/dev)" = 1';
  equal(inside(`${walls}\n  sh -c '${onlyLoopback}'`).code, 0);
});

function commit(machine: Machine, name: string, content: Uint8Array): void {
  const path = `${machine.path}/${name}`;
  Deno.writeFileSync(path, content);
  const { code, stderr } = run(program, [
    "commit",
    path,
    "--archive",
    machine.archive,
  ]);
  equal(code, 0, stderr);
}
