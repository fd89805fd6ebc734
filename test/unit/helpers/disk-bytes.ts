// SPDX-License-Identifier: GPL-3.0-or-later
// Disks made of bytes: partition tables and the first sectors of FAT file systems, as tools write them.
import { MIB, SECTOR } from "../../../image/disk/layout.ts";

export interface MadePartition {
  readonly name: string;
  /** In MiB. */
  readonly start: number;
  readonly size: number;
}

/** The first MiB of a disk with a GPT. */
export function gpt(partitions: readonly MadePartition[]): Buffer {
  const disk = mbr([{ type: 0xee, start: 0, size: 64 }]);
  disk.write("EFI PART", SECTOR, "latin1");
  disk.writeBigUInt64LE(2n, SECTOR + 72);
  disk.writeUInt32LE(128, SECTOR + 80);
  disk.writeUInt32LE(128, SECTOR + 84);
  for (const [index, { name, start, size }] of partitions.entries()) {
    const at = 2 * SECTOR + index * 128;
    disk.write("C12A7328", at, "latin1");
    disk.writeBigUInt64LE(BigInt((start * MIB) / SECTOR), at + 32);
    disk.writeBigUInt64LE(BigInt(((start + size) * MIB) / SECTOR - 1), at + 40);
    disk.write(name, at + 56, "utf16le");
  }
  return disk;
}

/** The first MiB of a disk with a table of the old kind; sizes in MiB. */
export function mbr(partitions: readonly { type: number; start: number; size: number }[]): Buffer {
  const disk = Buffer.alloc(MIB);
  disk.writeUInt16LE(0xaa55, 510);
  for (const [index, { type, start, size }] of partitions.entries()) {
    const at = 446 + index * 16;
    disk[at + 4] = type;
    disk.writeUInt32LE((start * MIB) / SECTOR, at + 8);
    disk.writeUInt32LE((size * MIB) / SECTOR, at + 12);
  }
  return disk;
}

export function fatSector(label: string, kind: 16 | 32 = 32): Buffer {
  const sector = Buffer.alloc(SECTOR);
  sector.writeUInt16LE(0xaa55, 510);
  sector.write(label.padEnd(11), kind === 32 ? 71 : 43, "latin1");
  sector.write(`FAT${kind}   `, kind === 32 ? 82 : 54, "latin1");
  return sector;
}

/** Pieces laid over a disk of zeros, by their offset. */
export function diskOf(size: number, pieces: readonly (readonly [number, Buffer])[]): Buffer {
  const disk = Buffer.alloc(size);
  for (const [at, bytes] of pieces) bytes.copy(disk, at);
  return disk;
}
