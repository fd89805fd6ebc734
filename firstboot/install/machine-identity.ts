// SPDX-License-Identifier: GPL-3.0-or-later
// Removes from a copy of the system what identifies this machine, and the records of its set-up. The image lacks the
// same (image/stages/scrub.ts); the box generates its own at its start.

import { join } from "node:path";
import type { Box } from "../host/box.ts";

const FILES = [
  "var/lib/dbus/machine-id",
  "var/lib/systemd/random-seed",
  "var/lib/systemd/credential.secret",
  "etc/hostname",
];
/** Emptied directories. */
const DIRECTORIES = [
  "var/lib/community-box",
  "var/log/community-box",
  "var/log/journal",
  "var/lib/systemd/timers",
  "var/lib/systemd/network",
  "var/tmp",
];

/** @param root where the copy is mounted */
export async function forgetIdentity(box: Box, root: string): Promise<void> {
  const keys = (await box.list(join(root, "etc/ssh"))).filter((name) => name.startsWith("ssh_host_"));
  for (const file of [...FILES, ...keys.map((key) => `etc/ssh/${key}`)]) await box.remove(join(root, file));
  for (const directory of DIRECTORIES)
    for (const name of await box.list(join(root, directory))) await box.remove(join(root, directory, name));
  // Empty, not missing: systemd generates an id, but does not treat the start as a first boot.
  await box.writeFile(join(root, "etc/machine-id"), "", { mode: 0o444 });
}
