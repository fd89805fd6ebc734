// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the new disk bootable: GRUB's boot code for BIOS, copied from the stick, and an entry in the UEFI firmware.
// Both come last, so that an incomplete disk is never bootable.

import { type Box, runOrFail } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import { type Disk, partitionPath } from "./disks.ts";
import type { SystemLayout } from "./layout.ts";

const TITLE = "Community Box";
/** Bytes of code in the first sector. */
const MBR_CODE = 440;

export async function copyBootCode(
  box: Box,
  layout: SystemLayout,
  source: Disk,
  target: Disk,
): Promise<void> {
  if (layout.bios === undefined) return;
  const [from, to] = [source, target].map(({ path }) => partitionPath(path, layout.bios ?? 0));
  await runOrFail(box, "dd", [`if=${from}`, `of=${to}`, "bs=1M", "conv=notrunc,fsync"]);
  const piece = [`if=${source.path}`, `of=${target.path}`, "conv=notrunc,fsync"];
  await runOrFail(box, "dd", [...piece, `bs=${MBR_CODE}`, "count=1"]);
  // Not copied: the stick may have lost its own flag when its partition table was enlarged.
  await runOrFail(box, paths.markActive, [target.path]);
}

/** Whether both disks have the same boot code. True if none is needed. */
export async function hasBootCode(
  box: Box,
  layout: SystemLayout,
  source: Disk,
  target: Disk,
): Promise<boolean> {
  if (layout.bios === undefined) return true;
  const [from = "", to = ""] = [source, target].map(({ path }) => partitionPath(path, layout.bios ?? 0));
  const core = await box.run("cmp", [from, to]);
  const first = await box.run("cmp", [`--bytes=${MBR_CODE}`, source.path, target.path]);
  return core.code === 0 && first.code === 0;
}

/**
 * Puts the disk first in the firmware's boot order, replacing the entry of an earlier installation. Never fails:
 * without an entry, firmware finds the loader at the path for removable media.
 */
export async function enterInFirmware(box: Box, layout: SystemLayout, target: Disk): Promise<void> {
  const bits = (await box.readFile("/sys/firmware/efi/fw_platform_size"))?.trim();
  if (bits === undefined) return;
  const { code, stdout } = await box.run("efibootmgr", []);
  if (code !== 0) return;
  for (const number of entriesNamed(TITLE, stdout))
    await box.run("efibootmgr", ["--quiet", "--bootnum", number, "--delete-bootnum"]);
  const loader = bits === "32" ? "\\EFI\\BOOT\\BOOTIA32.EFI" : "\\EFI\\BOOT\\BOOTX64.EFI";
  await box.run("efibootmgr", [
    ...["--quiet", "--create", "--disk", target.path, "--part", String(layout.boot)],
    ...["--loader", loader, "--label", TITLE],
  ]);
}

/** Numbers of the entries with this name: "Boot0003* Community Box\tHD(2,GPT,...)". */
export function entriesNamed(title: string, output: string): string[] {
  return [...output.matchAll(/^Boot([0-9A-F]{4})\*? ([^\t\n]*)/gim)]
    .filter(([, , name = ""]) => name.trim() === title || name.startsWith(`${title} HD(`))
    .map(([, number = ""]) => number);
}
