// SPDX-License-Identifier: GPL-3.0-or-later
// GRUB for BIOS, written as plain bytes the way grub-install would: first stage in the MBR, core image in the BIOS
// boot partition, which then reads the configuration from the FAT partition.
import { readFile, rm } from "node:fs/promises";
import { type DiskLayout, SECTOR } from "../disk/layout.ts";
import type { DiskTools } from "../disk/tools.ts";

/** Where GRUB looks for its configuration on the FAT partition; Debian's EFI images have it built in. */
export const GRUB_PREFIX = "/EFI/debian";

const MODULES = [
  ...[
    "biosdisk",
    "part_gpt",
    "fat",
    "ext2",
    "normal",
    "linux",
    "configfile",
    "search",
    "search_label",
    "test",
  ],
  ...[
    "serial",
    "terminal",
    "echo",
    "cpuid",
    "all_video",
    "vga_text",
    "halt",
    "reboot",
    "sleep",
    "minicmd",
    "ls",
  ],
];

/** Offsets inside GRUB's boot.img and core.img, and inside the MBR (GRUB sources, include/grub/i386/pc/boot.h). */
const BOOT_KERNEL_SECTOR = 0x5c;
const BOOT_DRIVE_CHECK = 0x66;
const CORE_BLOCKLIST_START = 0x1f4;
const MBR_CODE_SIZE = 440;
const MBR_FIRST_ENTRY = 0x1be;

/** Bytes to write, by their offset in the image. */
export async function biosBootCode(
  tools: DiskTools,
  layout: DiskLayout,
  image: string,
): Promise<Map<number, Uint8Array>> {
  const bios = layout.partitions.bios!;
  const modules = tools.path("usr/lib/grub/i386-pc");
  const corePath = `${image}.core`;
  await tools.tool("grub-mkimage", [
    ...[
      "-d",
      modules,
      "-O",
      "i386-pc",
      "-p",
      `(,gpt${layout.partitions.boot.number})${GRUB_PREFIX}`,
      "-o",
      corePath,
    ],
    ...MODULES,
  ]);
  const core = await readFile(corePath);
  await rm(corePath);
  if (core.length > bios.size * SECTOR)
    throw new Error(`GRUB's core image (${core.length} bytes) does not fit`);
  core.writeBigUInt64LE(BigInt(bios.start + 1), CORE_BLOCKLIST_START);

  const boot = await readFile(`${modules}/boot.img`);
  boot.writeBigUInt64LE(BigInt(bios.start), BOOT_KERNEL_SECTOR);
  // Two no-operations: trust the drive number that the BIOS passes, as grub-install does for hard disks.
  boot.fill(0x90, BOOT_DRIVE_CHECK, BOOT_DRIVE_CHECK + 2);

  return new Map<number, Uint8Array>([
    [0, boot.subarray(0, MBR_CODE_SIZE)],
    // Some BIOSes skip a GPT disk whose protective entry is not marked active.
    [MBR_FIRST_ENTRY, Uint8Array.of(0x80)],
    [bios.start * SECTOR, core],
  ]);
}
