// SPDX-License-Identifier: GPL-3.0-or-later
// Removes from a root file system what must not be in an image: identity, traces of the build, and time stamps
// later than the build's epoch. Stage "verify" checks the finished image for them again.
import { existsSync } from "node:fs";
import { chmod, lchown, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { glob } from "zx";
import type { Session } from "../host/session.ts";

/** Removed wherever they are found; globs from the root. */
const TRACES = [
  "etc/ssh/ssh_host_*",
  "etc/machine-id",
  "var/lib/dbus/machine-id",
  "var/lib/systemd/random-seed",
  "var/lib/systemd/credential.secret",
  "etc/hostname",
  "etc/.pwd.lock",
  "etc/*-",
  // live-build switches signature checks of APT off while it uses our local repository; never on a box.
  "etc/apt/apt.conf.d/00secure",
  "etc/apt/apt.conf.d/99mmdebstrap",
  "etc/apt/sources.list",
  "etc/apt/sources.list.d/*",
  "root/.[a-z]*history",
  "root/packages*",
  "var/cache/apt/**",
  "var/cache/debconf/*-old",
  "var/cache/ldconfig/aux-cache",
  "var/cache/man/**",
  "var/lib/apt/extended_states.lock",
  "var/lib/apt/lists/**",
  "var/lib/dpkg/*-old",
  "var/lib/dpkg/lock*",
  "var/lib/dpkg/triggers/Lock",
  "var/lib/systemd/deb-systemd-*/**/*.dsh-also.lock",
  "var/log/**",
  "usr/lib/python3*/**/__pycache__/**",
  "run/**",
  "tmp/**",
];

/**
 * APT gives them to its own account only where that account can reach them, which depends on the modes of the folders
 * above the build's cache. They are given back to root; APT changes them again on the box.
 */
const PARTIAL = ["var/cache/apt/archives/partial", "var/lib/apt/lists/partial"];

export async function scrub(session: Session, root: string, epoch: number): Promise<void> {
  const files = await glob(TRACES, { cwd: root, dot: true, onlyFiles: true, followSymbolicLinks: false });
  for (const file of files) await rm(join(root, file), { force: true });
  for (const folder of PARTIAL.map((path) => join(root, path)).filter(existsSync)) {
    await lchown(folder, 0, 0);
    await chmod(folder, 0o700);
  }
  // Empty, not missing and not "uninitialized": systemd then makes a machine ID without treating the start as its
  // "first boot", in which it would enable every unit that its presets name.
  // The file was removed above, not emptied in place: it may be a hard link into a layer.
  await writeFile(join(root, "etc/machine-id"), "");
  await clampTimes(session, root, epoch);
}

/** Sets every time stamp later than the epoch to the epoch. */
export async function clampTimes(session: Session, root: string, epoch: number): Promise<void> {
  await session.run([
    "find",
    root,
    "-newermt",
    `@${epoch}`,
    "-exec",
    "touch",
    "-h",
    "-d",
    `@${epoch}`,
    "{}",
    "+",
  ]);
}
