// SPDX-License-Identifier: GPL-3.0-or-later
// The rest of the disk becomes the partition CBOX-DATA. systemd-repart wipes what was there before and writes the table
// last, so a power cut leaves either no partition or an empty one; Incus makes the file system when it makes its pool.

import { fail } from "../../common/fail.ts";
import { type Box, must } from "../box.ts";
import { sayFound } from "../found-text.ts";
import { paths } from "../paths.ts";
import { DATA_LABEL, readDisk } from "./facts.ts";

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
    await must(box, "systemd-repart", [...settings, disk.device]);
  }
  // The new table has cost the boot sector its mark. Most boxes start without it, so this is no reason to fail.
  if (disk.device) await box.run(paths.markActive, [disk.device]);
  // udev makes the name a moment after the kernel has seen the partition.
  await must(box, "udevadm", ["settle", "--timeout=3600"]);
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
