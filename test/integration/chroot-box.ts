// SPDX-License-Identifier: GPL-3.0-or-later
// A box that is a root file system on this machine: real programs in a network namespace of a lab, with files of its
// own. There is no systemd in it, so what is told to systemctl is only noted.
import { type ChildProcess, spawn } from "node:child_process";
import type { Box, RunOptions, RunResult } from "../../firstboot/host/box.ts";
import { linuxBox } from "../../firstboot/host/linux.ts";

// Mounts that are gone with the process. $1: the root file system, then the program. With an empty /sys the node exporter
// goes down by its first question: it takes a machine without processors for impossible.
const ENTER = `
mount -t proc proc "$1/proc"
mount -t sysfs sysfs "$1/sys"
mount --rbind /dev "$1/dev"
root=$1
shift
exec chroot "$root" "$@"
`;
// The shell stays as the first process of its PID namespace: a server that drops privileges loses the bond that ends it
// with unshare.
const STAY = ENTER.replace('exec chroot "$root" "$@"', 'chroot "$root" "$@" &\nwait $!');

export interface ChrootBox extends Box {
  /** What was told to systemctl, line by line. */
  readonly told: readonly string[];
  /** Starts a program that stays; end it by {@link ChildProcess.kill}, and all it has started ends, too. */
  start(command: readonly string[]): ChildProcess;
}

/** `programs`: what stands for a program that the root file system lacks, by its name. */
export function chrootBox(
  root: string,
  namespace: string,
  programs: { readonly [name: string]: (args: readonly string[]) => Promise<unknown> } = {},
): ChrootBox {
  const told: string[] = [];
  const inside = (command: readonly string[], enter = ENTER) => [
    ...["netns", "exec", namespace, "unshare", "--mount", "--pid", "--fork", "--kill-child"],
    ...["sh", "-euc", enter, "box", root, ...command],
  ];
  return {
    ...linuxBox({ root }),
    told,
    async run(command, args, options) {
      if (command === "systemctl") {
        told.push(args.join(" "));
        return { code: args[0] === "is-active" ? 3 : 0, stdout: "", stderr: "" };
      }
      if (programs[command]) {
        await programs[command](args);
        return { code: 0, stdout: "", stderr: "" };
      }
      return collect(spawn("ip", inside([command, ...args]), { env: ENVIRONMENT }), options);
    },
    start: (command) => spawn("ip", inside(command, STAY), { env: ENVIRONMENT, stdio: "ignore" }),
  };
}

const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" };

function collect(child: ReturnType<typeof spawn>, { input = "", timeout }: RunOptions = {}) {
  return new Promise<RunResult>((resolve) => {
    let [stdout, stderr] = ["", ""];
    child.stdout?.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const timer = timeout === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), timeout);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 124, stdout, stderr });
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
