// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the lab's servers: in the namespace of their host, in the lab's root file system, which stays untouched.
// A server is one process for us: when it ends, all it has started ends with it.
import { spawn } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { $ } from "zx";
import { fail } from "../../common/fail.ts";
import { type HostProcess, hostProcess } from "../../image/host/process.ts";

const LOG = "log";
/** For a busy machine; an idle one needs a second. */
const READY_TIMEOUT_MS = 300_000;

// Private mounts only, which end with the process. $1 root, $2 the server's directory, then the program. The shell
// stays as the first process of its PID namespace: a server that drops privileges loses the signal by which unshare
// ends it. The build machine's environment is not passed on: its proxies and certificates must not affect the lab.
const ENTER = `
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
mount -t tmpfs tmpfs "$1/run"
mount --bind /dev "$1/dev"
mount --bind "$2" "$1/srv"
[ ! -e "$2/../resolv.conf" ] || mount --bind "$2/../resolv.conf" "$1/etc/resolv.conf"
root=$1
shift 2
chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@" &
wait $!
`;

export interface Place {
  readonly namespace: string;
  /** The lab's root file system. */
  readonly root: string;
  /** The host's own directory: configuration, state and log. */
  readonly directory: string;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a server and waits until it says that it is ready. It goes on when this process ends. */
export async function startServer(
  place: Place,
  { command, ready }: { readonly command: readonly string[]; readonly ready: RegExp },
  onStart: (process: HostProcess) => void,
): Promise<void> {
  const log = join(place.directory, LOG);
  const output = openSync(log, "a");
  // Output of an earlier start must not count for this one.
  const before = fstatSync(output).size;
  const [program = "", ...words] = inside(place, command);
  const child = spawn(program, words, { detached: true, stdio: ["ignore", output, output] });
  closeSync(output);
  const ended = new Promise<void>((resolve) =>
    child.once("exit", () => resolve()).once("error", () => resolve()),
  );
  child.unref();
  const recorded = hostProcess(child.pid);
  if (recorded) onStart(recorded);
  if (await logged(log, before, ready, ended)) return;
  fail({
    code: "lab-server-failed",
    what: `${command[0]} did not get ready in the lab.`,
    found: serverLog(place.directory).trim().split("\n").slice(-3).join(" | ") || "no message",
    hint: "./cbox lab down, then ./cbox doctor",
  });
}

/** Runs a short command on a host of the lab, to its end. */
export async function runInside(place: Place, command: readonly string[]): Promise<Ran> {
  mkdirSync(place.directory, { recursive: true });
  const { exitCode, stdout, stderr } = await $({ quiet: true, nothrow: true })`${inside(place, command)}`;
  return { code: exitCode ?? 1, stdout, stderr };
}

/** Starts a command on a host of the lab whose output is read while it runs. */
export function spawnInside(place: Place, command: readonly string[]) {
  const [program = "", ...words] = inside(place, command);
  return spawn(program, words, { stdio: ["ignore", "pipe", "ignore"] });
}

export function serverLog(directory: string): string {
  try {
    return readFileSync(join(directory, LOG), "utf8");
  } catch {
    return "";
  }
}

function inside({ namespace, root, directory }: Place, command: readonly string[]): string[] {
  const isolate = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
  return [
    "ip",
    "netns",
    "exec",
    namespace,
    ...isolate,
    "sh",
    "-euc",
    ENTER,
    "lab",
    root,
    directory,
    ...command,
  ];
}

/** Whether a line appears in a file, from some byte on, before its writer ends or the time is over. */
function logged(path: string, from: number, line: RegExp, ended: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const found = () => line.test(readFileSync(path).subarray(from).toString());
    const watcher = watch(path, () => found() && settle(true));
    const timer = setTimeout(() => settle(false), READY_TIMEOUT_MS);
    const settle = (answer: boolean) => {
      watcher.close();
      clearTimeout(timer);
      resolve(answer);
    };
    void ended.then(() => settle(false));
    if (found()) settle(true);
  });
}
