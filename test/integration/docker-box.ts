// SPDX-License-Identifier: GPL-3.0-or-later
// Docker of a box that is a root file system on this machine: the real dockerd, in the box's network namespace.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { $ } from "zx";
import type { ChrootBox } from "./chroot-box.ts";

// Docker unpacks images with the root of its own mounts as theirs, so a chroot will not do. $1: the root file system,
// $2: the group of its containers. Not by `ip netns exec`, which puts a new /sys over that of the machine, where the
// control groups are missing.
const DOCKERD = `
mount --make-rprivate /
mount --bind "$1" "$1"
group=$2
cd "$1"
mount -t proc proc proc
mount --rbind /dev dev
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mkdir -p old
pivot_root . old
umount -l /old
exec dockerd --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$group" >/var/log/dockerd.log 2>&1`;

export interface DockerBox {
  /** Its containers end with it. */
  end(): Promise<void>;
}

/** Starts what docker.service of the box starts, and waits until it answers. `group` is the caller's own. */
export async function startDocker(
  box: ChrootBox,
  root: string,
  namespace: string,
  group: string,
): Promise<DockerBox> {
  const isolate = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"];
  const enter = ["sh", "-euc", DOCKERD, "-", root, group];
  const child = spawn("nsenter", [`--net=/run/netns/${namespace}`, ...isolate, ...enter], {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
    stdio: "ignore",
  });
  for (let tries = 0; (await box.run("docker", ["info"])).code !== 0; tries++) {
    if (tries < 240 && child.exitCode === null) await delay(250);
    else throw new Error(`dockerd: ${await box.readFile("/var/log/dockerd.log")}`);
  }
  return { end: () => end(child, group) };
}

async function end(child: ChildProcess, group: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  // Empty groups stay otherwise until the machine is switched off; one with a process that still ends is busy.
  const remove = () =>
    $({
      nothrow: true,
      quiet: true,
    })`find /sys/fs/cgroup -depth -type d -path ${`*/${group}*`} -exec rmdir {} +`;
  for (let tries = 0; tries < 20 && (await remove()).exitCode !== 0; tries++) await delay(250);
}
