// SPDX-License-Identifier: GPL-3.0-or-later
// The rest of the disk becomes the partition CBOX-DATA, with a file system for the files of the pools (pools.ts).
// systemd-repart wipes what was there before and writes the table last, so a power cut leaves either no partition or an
// empty one; mke2fs writes its superblock last.

import { basename } from "node:path";
import { fail } from "../../common/fail.ts";
import { type Box, runOrFail, writeIfChanged } from "../host/box.ts";
import { saidOr, sayFound } from "../host/found-text.ts";
import { paths } from "../host/paths.ts";
import { DATA_LABEL, readDisk } from "./facts.ts";
import { POOL_FILES } from "./pools.ts";

const DEFINITIONS = "/usr/lib/community-box/repart.d";

/** Makes the partition unless it is there; resolves to its device, by a name that stays. */
export async function dataPartition(box: Box): Promise<string> {
  const disk = await readDisk(box);
  if (!disk.data) {
    if (!disk.device) {
      fail({
        code: "data-disk-unknown",
        what: "The disk that the box started from cannot be found.",
        hint: "Try again; the log (l) has the details.",
      });
    }
    const settings = [`--definitions=${DEFINITIONS}`, "--dry-run=no", "--discard=yes"];
    await runOrFail(box, "systemd-repart", [...settings, disk.device]);
  }
  // The new table has cost the boot sector its mark. Most boxes start without it, so this is no reason to fail.
  if (disk.device) await box.run(paths.markActive, [disk.device]);
  // udev makes the name a moment after the kernel has seen the partition.
  await runOrFail(box, "udevadm", ["settle", "--timeout=3600"]);
  const { data } = await readDisk(box);
  // Not by its name: beside a box that runs from a stick there may be a disk with another CBOX-DATA on it.
  return data?.uuid
    ? `/dev/disk/by-partuuid/${data.uuid}`
    : fail({
        code: "data-partition-missing",
        what: "The partition for the data of the contexts could not be made.",
        ...sayFound("found.no-partition", { label: DATA_LABEL }),
        hint: "Try again; the log (l) has the details.",
      });
}

/** Few and large files: next to no inodes, no room kept for root, a small journal. */
const FORMAT = ["-q", "-F", "-t", "ext4", "-L", DATA_LABEL, "-b", "4096", "-m", "0", "-i", "16777216"];
const FEATURES = ["-J", "size=16", "-O", "^resize_inode", "-E", "nodiscard"];

/**
 * Mounts the partition where Incus keeps the files of its pools, now and whenever Incus starts.
 * @param isUsed Incus knows pools there: then nothing is ever formatted.
 * @throws Failure `data-partition-damaged`
 */
export async function mountData(box: Box, device: string, isUsed: boolean): Promise<void> {
  const { stdout } = await box.run("blkid", ["--probe", "--output", "export", device]);
  if (!/^TYPE=ext4$/m.test(stdout) || !stdout.includes(`LABEL=${DATA_LABEL}\n`)) {
    if (isUsed) {
      fail({
        code: "data-partition-damaged",
        what: "The partition with the data of the contexts cannot be read.",
        ...saidOr(stdout.trim().replaceAll("\n", ", "), "found.no-file-system", { device }),
        hint: `sudo blkid --probe ${device}; the data is given up by: sudo cbox reset --all`,
      });
    }
    // What was there may be found by its place behind the new one, and be taken for it.
    await runOrFail(box, "wipefs", ["--all", device]);
    await runOrFail(box, "mke2fs", [...FORMAT, ...FEATURES, device]);
  }
  // incus.service requires what is mounted there; nothing else does, so that the box starts without it.
  const unit = [
    "[Unit]",
    "Description=Data of the contexts",
    "[Mount]",
    `What=${device}`,
    `Where=${POOL_FILES}`,
    "Type=ext4",
    // Room that a context gives back goes back to the disk.
    "Options=noatime,discard",
    "",
  ].join("\n");
  await box.makeDirectory(POOL_FILES);
  if (await writeIfChanged(box, paths.dataMount, unit)) await runOrFail(box, "systemctl", ["daemon-reload"]);
  await runOrFail(box, "systemctl", ["start", unitOf(paths.dataMount)]);
  await runOrFail(box, "chmod", ["700", POOL_FILES]);
}

/** Takes the mount away; the partition stays. */
export async function unmountData(box: Box): Promise<void> {
  if (!(await box.exists(paths.dataMount))) return;
  await box.run("systemctl", ["stop", unitOf(paths.dataMount)]);
  await box.remove(paths.dataMount);
  await box.run("systemctl", ["daemon-reload"]);
}

const unitOf = (path: string) => basename(path);
