// Machine: this system once more, with systemd as its first process, for as long as a test needs it:
// name spaces of its own, and all that is written goes to memory but what is in two folders. So units
// are run by the program that they are written for, with every restriction that is in them.

import { equal } from "node:assert/strict";
import { type Ending, repository, run } from "./desk.ts";

/** Where the archive lies in the machine. Its unit is `blockframe-health@mnt-usb-archive`. */
export const archive = "/mnt/usb/archive";

// What a real start does to the kernel, to disks and to terminals is none of our business: what would
// ask for it is taken out, and the kernel's settings are read-only.
const boot = `
set -e
mkdir -p "$1/disk" "$1/root"
mount -t tmpfs tmpfs "$1/disk"
mkdir "$1/disk/upper" "$1/disk/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/disk/upper,workdir=$1/disk/work" "$1/root"
cd "$1/root"
mkdir -p report mnt/usb/archive etc/blockframe srv/photos
touch usr/bin/blockframe
cp "$1/helper" usr/sbin/mount.fuse.blockframe
mount --bind "$1/report" report
mount --bind "$1/archive" mnt/usb/archive
mount --bind "$1/blockframe" usr/bin/blockframe
for place in usr/lib lib etc; do
  rm -rf $place/systemd/system/*.wants $place/systemd/system/*.requires \\
    $place/systemd/system-generators
done
echo > etc/fstab
rm -rf etc/systemd/system
cp -r "$1/units" etc/systemd/system
cp -r "$1/settings/." etc/blockframe
mount -t proc proc proc
mount -o bind,ro /proc/sys proc/sys
mount --rbind /sys sys
mount -o remount,bind,ro sys
mount -t tmpfs tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance devpts dev/pts
ln -s pts/ptmx dev/ptmx
touch "$1/console" dev/console
for name in null zero full random urandom tty fuse; do
  touch "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mount --bind "$1/console" dev/console
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  chroot . /lib/systemd/systemd --unit=probe.target --show-status=no
`;

// systemd makes groups of processes, so it gets one in which to make them, which is gone afterwards.
const around = `
mount --make-rprivate / && mkdir -p "$1/groups" && mount -t cgroup2 cgroup2 "$1/groups" || exit
group="$1/groups/$(basename "$1")"
mkdir "$group" && echo $$ > "$group/cgroup.procs" || exit
unshare --mount --pid --ipc --uts --net --cgroup --fork --kill-child sh -c "$2" sh "$1"
code=$?
echo $$ > "$1/groups/cgroup.procs"
find "$group" -depth -type d -exec rmdir {} +
exit $code
`;

/** A machine to be started once. */
export class Machine implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "blockframe-" });

  /** A machine whose /usr/bin/blockframe is the file at `program`. */
  constructor(program: string) {
    for (const name of ["archive", "report", "units", "settings"]) {
      Deno.mkdirSync(`${this.path}/${name}`);
    }
    // Linked, where that can be: the program has 100 MB.
    const copy = run("cp", ["-l", program, `${this.path}/blockframe`]);
    if (copy.code !== 0) Deno.copyFileSync(program, `${this.path}/blockframe`);
    const packaging = `${repository}/tools/packaging`;
    Deno.copyFileSync(
      `${packaging}/mount.fuse.blockframe`,
      `${this.path}/helper`,
    );
    Deno.chmodSync(`${this.path}/helper`, 0o755);
    const units = `${packaging}/systemd`;
    for (const { name } of Deno.readDirSync(units)) {
      this.writeUnit(name, Deno.readTextFileSync(`${units}/${name}`));
    }
  }

  /** Where the archive lies outside of the machine. */
  get archive(): string {
    return `${this.path}/archive`;
  }

  /** Adds a unit, or settings of one: `NAME.d/FILE.conf`. */
  writeUnit(name: string, text: string): void {
    const path = `${this.path}/units/${name}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(path, text);
  }

  /** Adds a file to /etc/blockframe. */
  writeSettings(name: string, text: string): void {
    Deno.writeTextFileSync(`${this.path}/settings/${name}`, text);
  }

  /** What a unit wrote to the file of /report. */
  readReport(name: string): string {
    return Deno.readTextFileSync(`${this.path}/report/${name}`);
  }

  /** Starts the machine with some units, and waits until one of them ends it. */
  run(...units: string[]): Ending {
    Deno.removeSync(`${this.path}/report`, { recursive: true });
    Deno.mkdirSync(`${this.path}/report`);
    this.writeUnit(
      "probe.target",
      `[Unit]\nDefaultDependencies=no\nWants=${units.join(" ")}\n`,
    );
    const ending = run("timeout", [
      "--kill-after=2",
      "30",
      "unshare",
      "--mount",
      "sh",
      "-c",
      around,
      "sh",
      this.path,
      boot,
    ]);
    equal(
      [124, 137].includes(ending.code),
      false,
      `the machine hangs:
${Deno.readTextFileSync(`${this.path}/console`)}`,
    );
    return ending;
  }

  /** Forgets the machine. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
