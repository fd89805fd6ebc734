// SPDX-License-Identifier: GPL-3.0-or-later
// A machine that was converted keeps its partitions: there the data of the contexts is in a file on its root file
// system, which Incus makes, formats and mounts by itself. The file takes room as it fills.

import type { Box } from "../box.ts";
import { POOL } from "./names.ts";

/** Where Incus keeps the file of a pool without a device. */
const POOL_FILE = `/var/lib/incus/disks/${POOL}.img`;
/** Of what is free now: the rest is for the machine itself. */
const PART = 0.5;
const MIB = 1024 * 1024;

/** MiB that the contexts can have: those of the file, where it is made; else a part of what is free. */
export async function loopPoolMib(box: Box): Promise<number> {
  const made = await box.run("stat", ["--format=%s", POOL_FILE]);
  if (made.code === 0) return Math.floor(Number(made.stdout) / MIB);
  const { stdout } = await box.run("df", ["--block-size=1M", "--output=avail", "/var/lib"]);
  return Math.floor(Number(/(\d+)\s*$/.exec(stdout)?.[1] ?? 0) * PART);
}

/** What a try that was cut short has left. */
export async function removeLoopFile(box: Box): Promise<void> {
  await box.remove(POOL_FILE);
}
