// SPDX-License-Identifier: GPL-3.0-or-later
// Copies the box to another disk. Always from the beginning: after a power cut the disk is not bootable, but the
// stick is. For that, boot code and loaders are written after everything else.

import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { runOrFail } from "../host/box.ts";
import { sayFound } from "../host/found-text.ts";
import { minimumGib } from "../host/image-info.ts";
import { paths } from "../host/paths.ts";
import type { Tools } from "../host/tools.ts";
import { copyBootCode, enterInFirmware } from "./bootloader.ts";
import { chooseDisk } from "./choose.ts";
import { copyBootFiles, copyLoaders, copyRoot, FROM, renameIn, TO, usedBytes } from "./copy.ts";
import { type Disk, diskText, partitionPath, readDisks, sizeText } from "./disks.ts";
import { type Labels, labelsFor } from "./labels.ts";
import { hasRoom, readLayout, rootMib, type SystemLayout, tableScript, wipe, writeTable } from "./layout.ts";
import { forgetIdentity } from "./machine-identity.ts";
import { writeInstallRecord } from "./record.ts";

export interface Move {
  readonly source: Disk;
  readonly target: Disk;
  readonly layout: SystemLayout;
}

/** The move as it would be done now. Fails with `install-disk-gone`, `install-disk-small`. */
export async function planMove(to: string, { box, image }: Pick<Tools, "box" | "image">): Promise<Move> {
  const disks = await readDisks(box, minimumGib(image));
  const target = chooseDisk(disks, to);
  if (typeof target === "string" || target.fault || !disks.source) {
    return fail({
      code: "install-disk-gone",
      what: "The disk to install to is not there any more, or it is in use.",
      ...(disks.candidates.length > 0
        ? { found: disks.candidates.map(diskText).join("; ") }
        : sayFound("found.no-disk")),
      hint: "Look at its cables and try again, or choose another one.",
    });
  }
  return { source: disks.source, target, layout: await readLayout(box, disks.source, image.boot_mount) };
}

export async function move(to: string, tools: Tools): Promise<void> {
  const { box, image, progress } = tools;
  // Left from a failed attempt.
  await unmount(tools);
  const { source, target, layout } = await planMove(to, tools);
  const used = await usedBytes(box, "/");
  const mib = rootMib(used);
  if (!hasRoom(layout, mib, target)) {
    fail({
      code: "install-disk-small",
      what: "The system does not fit on the disk.",
      ...sayFound("found.disk-needs", { disk: diskText(target), size: sizeText(mib * 1024 * 1024) }),
      hint: "Choose a larger disk.",
    });
  }
  await box.remove(paths.installed);
  progress("progress.install.erase", { disk: diskText(target) });
  await wipe(box, target);
  const tableId = await writeTable(box, target, tableScript(layout, mib));
  const labels = labelsFor(tableId);
  const boot = partitionPath(target.path, layout.boot);
  const root = partitionPath(target.path, layout.root);
  try {
    await makeFileSystems(tools, { boot, root }, labels);
    await mount(tools, ["--bind", "/", FROM]);
    await mount(tools, [root, TO]);
    await copyRoot(tools, used);
    await forgetIdentity(box, TO);
    await renameIn(box, join(TO, "etc/fstab"), labels);
    progress("progress.install.boot");
    const bootTo = join(TO, image.boot_mount);
    await mount(tools, [boot, bootTo]);
    await copyBootFiles(box, image, bootTo, labels);
    await runOrFail(box, "sync", ["--file-system", TO, bootTo]);
    // From here on the disk starts a complete box.
    await copyLoaders(box, image, bootTo);
  } finally {
    await unmount(tools);
  }
  await copyBootCode(box, layout, source, target);
  await runOrFail(box, "sync", [target.path]);
  await enterInFirmware(box, layout, target);
  await writeInstallRecord(box, { table_id: tableId });
}

interface Devices {
  readonly boot: string;
  readonly root: string;
}

async function makeFileSystems({ box }: Tools, { boot, root }: Devices, labels: Labels): Promise<void> {
  await runOrFail(box, "mkfs.fat", ["-F", "32", "-s", "1", "-n", labels.boot, boot]);
  await runOrFail(box, "mkfs.ext4", ["-q", "-F", "-L", labels.root, root]);
}

async function mount({ box }: Tools, args: readonly [...string[], string]): Promise<void> {
  await box.makeDirectory(String(args.at(-1)));
  await runOrFail(box, "mount", args);
}

/** Fails if nothing is mounted, which is fine. */
async function unmount({ box, image }: Tools): Promise<void> {
  for (const place of [join(TO, image.boot_mount), TO, FROM]) await box.run("umount", [place]);
}
