// SPDX-License-Identifier: GPL-3.0-or-later
// The free space of the disk becomes the partition CBOX-DATA, whose file system holds the files of the pools
// (pools.ts). systemd-repart and mke2fs write the partition table and the superblock last, so a power cut leaves
// either no partition or an empty one.

import { basename } from "node:path";
import { fail } from "../../common/fail.ts";
import { type Box, runOrFail, writeIfChanged } from "../host/box.ts";
import { saidOr, sayFound } from "../host/found-text.ts";
import { paths } from "../host/paths.ts";
import { DATA_LABEL, readDisk } from "./facts.ts";
import { POOL_FILES } from "./pools.ts";

const DEFINITIONS = "/usr/lib/community-box/repart.d";

/** Creates the partition unless it exists; resolves to its device, by a stable name. */
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
  // The new partition table has cleared the boot sector's active flag. Most machines boot without it: not fatal.
  if (disk.device) await box.run(paths.markActive, [disk.device]);
  // udev creates the name shortly after the kernel has seen the partition.
  await runOrFail(box, "udevadm", ["settle", "--timeout=3600"]);
  const { data } = await readDisk(box);
  // Not by label: a box that runs from a stick may have another CBOX-DATA on an internal disk.
  return data?.uuid
    ? `/dev/disk/by-partuuid/${data.uuid}`
    : fail({
        code: "data-partition-missing",
        what: "The partition for the data of the contexts could not be made.",
        ...sayFound("found.no-partition", { label: DATA_LABEL }),
        hint: "Try again; the log (l) has the details.",
      });
}

/** For few and large files: very few inodes, no reserve for root, a small journal. */
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
    // A former file system's signature may lie behind the new one and be detected instead of it.
    await runOrFail(box, "wipefs", ["--all", device]);
    await runOrFail(box, "mke2fs", [...FORMAT, ...FEATURES, device]);
  }
  // Required only by incus.service, so that the box starts even when this mount fails.
  const unit = [
    "[Unit]",
    "Description=Data of the contexts",
    "[Mount]",
    `What=${device}`,
    `Where=${POOL_FILES}`,
    "Type=ext4",
    // Discard returns blocks that a context frees to the disk.
    "Options=noatime,discard",
    "",
  ].join("\n");
  await box.makeDirectory(POOL_FILES);
  if (await writeIfChanged(box, paths.dataMount, unit)) await runOrFail(box, "systemctl", ["daemon-reload"]);
  await runOrFail(box, "systemctl", ["start", unitOf(paths.dataMount)]);
  await runOrFail(box, "chmod", ["700", POOL_FILES]);
}

/** Removes the mount; the partition stays. */
export async function unmountData(box: Box): Promise<void> {
  if (!(await box.exists(paths.dataMount))) return;
  await box.run("systemctl", ["stop", unitOf(paths.dataMount)]);
  await box.remove(paths.dataMount);
  await box.run("systemctl", ["daemon-reload"]);
}

const unitOf = (path: string) => basename(path);
