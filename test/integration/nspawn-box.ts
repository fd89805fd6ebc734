// SPDX-License-Identifier: GPL-3.0-or-later
// A box that is a container of the real systemd-nspawn, on its console and plugged into a lab. systemd-nspawn comes from
// the lab's root file system, so it is that of the release, whatever this machine has, and this machine needs no systemd.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { $ } from "zx";
import { SerialLine } from "../boot/serial-line.ts";
import type { Lab } from "../lab/lab.ts";
import { switchOf } from "../lab/network.ts";

// $1: the lab's root file system, $2: the directory of the machines, $3: the control group, then the program.
// systemd-nspawn moves its container's root over "/", so a chroot will not do; it wants a machine with an identity, and
// control groups of the second version alone, which are another view of those that are there. The shell stays as the
// first process: systemd-nspawn takes a process number 1 for a machine that starts.
const ENTER = `
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
machines=$2
group=$3
cd "$1"
shift 3
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs var/lib
mkdir var/lib/machines
mount --bind "$machines" var/lib/machines
tr -d - </proc/sys/kernel/random/uuid >run/machine-id
mount --bind run/machine-id etc/machine-id
mkdir -p "sys/fs/cgroup/$group"
echo $$ >"sys/fs/cgroup/$group/cgroup.procs"
pivot_root . .
umount -l .
chroot . env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb "$@"
exit`;
/** For lack of a systemd that it could register the machine at. */
const ALONE = "--register=no --keep-unit";
/** Leaves room for a machine that does other things, too. */
const COMMAND_MS = 600_000;

export interface NspawnHost {
  readonly lab: Lab;
  /** The lab's root file system. */
  readonly root: string;
  /** Stands for /var/lib/machines. */
  readonly machines: string;
}

export interface NspawnBox {
  readonly line: SerialLine;
  /** Runs a command as root, which has to succeed; returns what it printed. */
  ask(command: string): Promise<string>;
  /** Switches it off by itself, and returns systemd-nspawn's exit code. */
  powerOff(): Promise<number | null>;
  /** Ends whatever is left of it. */
  destroy(): Promise<void>;
}

/** What `importctl import-tar --class=machine` has done in the end, by the program that its service starts. */
export async function importMachine(host: NspawnHost, archive: string, machine: string): Promise<void> {
  const importer = ["/usr/lib/systemd/systemd-import", "--class=machine", "--sync=no", "tar", "-", machine];
  const input = openSync(archive, "r");
  try {
    await $({ quiet: true, stdio: [input, "pipe", "pipe"] })`${inside(host, groupOf(machine), importer)}`;
  } finally {
    closeSync(input);
    await removeGroup(groupOf(machine));
  }
}

/** Starts it as the guide says, but for the cable, which is the lab's. */
export async function startNspawn(host: NspawnHost, machine: string): Promise<NspawnBox> {
  const group = groupOf(machine);
  const nspawn = `systemd-nspawn --machine=${machine} --boot --network-bridge=switch ${ALONE}`;
  const terminal = ["script", "--quiet", "--return", "--flush", "--command", nspawn, "/dev/null"];
  const [program = "", ...words] = inside(host, group, terminal);
  const child = spawn(program, words);
  const line = new SerialLine();
  line.connect(child.stdout, child.stdin);
  child.stderr.on("data", (chunk: Buffer) => console.warn(chunk.toString().trimEnd()));
  child.stdin.on("error", () => {});
  child.on("exit", (code, signal) =>
    line.disconnect(`systemd-nspawn ended with ${signal ?? `code ${code}`}`),
  );
  const init = join(controlGroups(), group, "payload/init.scope/cgroup.procs");
  const run = async (command: string) => {
    const leader = readFileSync(init, "utf8").split("\n", 1).join("");
    const enter = ["nsenter", `--target=${leader}`, "--all", "--", "env", "-i", PATH, "sh", "-c", command];
    return $({ quiet: true, nothrow: true, timeout: COMMAND_MS })`${enter}`;
  };
  return {
    line,
    async ask(command) {
      const { exitCode, stdout, stderr } = await run(command);
      if (exitCode === 0) return stdout.trimEnd();
      throw new Error(`On the box, code ${exitCode}: ${command}\n${stdout}${stderr}\n${line.tail}`);
    },
    async powerOff() {
      const ended = once(child, "exit", { signal: AbortSignal.timeout(COMMAND_MS) });
      await run("systemctl poweroff");
      await ended;
      return child.exitCode;
    },
    async destroy() {
      await end(child);
      await removeGroup(group);
    },
  };
}

const PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
const groupOf = (machine: string) => `cbox-nspawn-${machine}`;

function inside({ lab, root, machines }: NspawnHost, group: string, command: readonly string[]): string[] {
  const isolate = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
  // Not by `ip netns exec`, whose /sys lacks the control groups.
  const wire = ["nsenter", `--net=/run/netns/${switchOf(lab.name)}`];
  return [...wire, ...isolate, "sh", "-euc", ENTER, "-", root, machines, group, ...command];
}

/** Where this machine has control groups of the second version, alone or beside those of the first. */
function controlGroups(): string {
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
  const [, path] = mounts.map((line) => line.split(" ")).find(([, , type]) => type === "cgroup2") ?? [];
  if (path) return path;
  throw new Error("This machine has no control groups of the second version: no cgroup2 in /proc/mounts.");
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** Empty groups stay otherwise until the machine is switched off; one with a process that still ends is busy. */
async function removeGroup(group: string): Promise<void> {
  const path = join(controlGroups(), group);
  const remove = () => $({ nothrow: true, quiet: true })`find ${path} -depth -type d -exec rmdir {} +`;
  for (let tries = 0; tries < 20 && (await remove()).exitCode !== 0; tries++) await delay(250);
}
