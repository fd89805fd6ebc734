// SPDX-License-Identifier: GPL-3.0-or-later
// How a Raspberry Pi starts: its firmware finds the FAT partition in an MBR and reads config.txt there, which
// Debian's raspi-firmware writes. The boot ROM of Pi 3 and Zero 2 W knows no GPT, but the box wants one, to grow its
// partitions.
import { type DiskLayout, type Partition, SECTOR } from "../disk/layout.ts";

/** Whether the box is started by the Raspberry Pi's own firmware, from the card or from its EEPROM. */
export function readsMbr(firmware: ReadonlySet<string>): boolean {
  return firmware.has("videocore") || firmware.has("rpi-eeprom");
}

/** Offset of the four entries, and bytes of one. */
const ENTRIES = 0x1be;
const ENTRY_SIZE = 16;
/** FAT32 addressed by sectors. The boot ROM of a Pi 3 does not take 0xef, the type of an EFI partition. */
const FAT32_LBA = 0x0c;
const GPT_PROTECTIVE = 0xee;

/**
 * The boot sector's table, as bytes by offset: a hybrid MBR. Its first entry is the FAT partition, which never moves;
 * the second covers the GPT from sector 1, as Linux and libfdisk want it to take the disk for a GPT one. systemd-repart
 * (libfdisk) then changes the GPT only.
 */
export function hybridMbr({ partitions }: Pick<DiskLayout, "partitions">): Map<number, Uint8Array> {
  const { boot } = partitions;
  const table = Buffer.alloc(4 * ENTRY_SIZE);
  writeEntry(table, 0, FAT32_LBA, boot);
  writeEntry(table, 1, GPT_PROTECTIVE, { start: 1, size: boot.start - 1 });
  return new Map<number, Uint8Array>([
    [ENTRIES, table],
    [SECTOR - 2, Uint8Array.of(0x55, 0xaa)],
  ]);
}

/** Whether a boot sector sends the firmware to the FAT partition. */
export function startsAt(sector: Buffer, boot: Partition): boolean {
  const expected = hybridMbr({ partitions: { boot, root: boot } });
  return [...expected].every(([offset, bytes]) =>
    sector.subarray(offset, offset + bytes.length).equals(bytes),
  );
}

function writeEntry(
  table: Buffer,
  index: number,
  type: number,
  { start, size }: Pick<Partition, "start" | "size">,
): void {
  const at = index * ENTRY_SIZE;
  // "Beyond cylinders, heads and sectors": use the sector numbers.
  table.set([0x00, 0xfe, 0xff, 0xff, type, 0xfe, 0xff, 0xff], at);
  table.writeUInt32LE(start, at + 8);
  table.writeUInt32LE(size, at + 12);
}
