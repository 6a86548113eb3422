// FAT32: the kernel of a test machine seldom has it, so it runs in a kernel that does: User Mode
// Linux, which is a program like any other. It sees the files of this machine, mounts an image as a
// stick, and runs a script of ours with the same deno.

import { equal, ok } from "node:assert/strict";
import { call } from "./stick.ts";

const kernel = "/usr/bin/linux.uml";
const modulesFolder = "/usr/lib/uml/modules";
/** FAT, and the character sets of its short and long names. */
const modules = ["fat/fat", "fat/vfat", "nls/nls_cp437", "nls/nls_utf8"];
const memory = "2G";
const secondsMax = 240;

/** Runs `script` in a kernel with a FAT32 stick of `bytes` bytes; gives the lines that it prints. */
export async function runOnFat32(
  folder: string,
  bytes: number,
  script: string,
): Promise<string[]> {
  const image = `${folder}/fat32.img`;
  await Deno.writeFile(image, new Uint8Array());
  await Deno.truncate(image, bytes);
  call("mkfs.fat", "-F", "32", image);
  const init = `${folder}/init.sh`;
  const output = `${folder}/output`;
  await Deno.writeTextFile(init, formatInit(script, output));
  await Deno.chmod(init, 0o755);
  const says = await boot(image, init);
  const text = await Deno.readTextFile(output).catch(() => "");
  ok(text.endsWith("finished\n"), `The script ended early: ${text}\n${says}`);
  call("fsck.fat", "-n", image);
  return text.trimEnd().split("\n").slice(0, -1);
}

async function boot(image: string, init: string): Promise<string> {
  const child = new Deno.Command(kernel, {
    args: [
      "quiet",
      `mem=${memory}`,
      "root=/dev/root",
      "rootfstype=hostfs",
      "rootflags=/",
      "rw",
      `init=${init}`,
      `ubd0=${image}`,
      "con0=fd:0,fd:1",
      "con=null",
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), secondsMax * 1000);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const says = new TextDecoder().decode(stdout) +
    new TextDecoder().decode(stderr);
  equal(code, 0, `The kernel ended with ${code}: ${says}`);
  return says;
}

function formatInit(script: string, output: string): string {
  const [version] = [...Deno.readDirSync(modulesFolder)];
  ok(version !== undefined, `${modulesFolder} has the modules of a kernel`);
  const from = `${modulesFolder}/${version.name}/kernel/fs`;
  const variables = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [`export ${name}='${value}'`];
  });
  return [
    "#!/bin/sh",
    ...variables,
    "mount -t proc proc /proc",
    "mount -t tmpfs tmpfs /run",
    "mkdir /run/stick /run/home",
    ...modules.map((name) => `insmod ${from}/${name}.ko`),
    "mount -t vfat -o codepage=437,iocharset=utf8 /dev/ubda /run/stick",
    "while sleep 0.02; do echo 2 > /proc/sys/vm/drop_caches; done &",
    `'${Deno.execPath()}' run --allow-all --no-check '${script}' ` +
    `/run/stick /run/home > '${output}' 2>&1`,
    "umount /run/stick",
    `echo finished >> '${output}'`,
    "halt -f",
    "",
  ].join("\n");
}
