// SPDX-License-Identifier: GPL-3.0-or-later
// Reads partition tables from the bytes of a disk: GPT, and the MBR that some boards start from. Finds the partition
// CBOX-BOOT by its label, since its number depends on the kind of boot.
import { BOOT_LABEL, SECTOR } from "./layout.ts";

/** One partition, in bytes. */
export interface Extent {
  /** The name in a GPT; an MBR has no names. */
  readonly name: string;
  readonly start: number;
  readonly size: number;
}

/** Reads `length` bytes at `offset`; fewer, or none, at the end of the disk. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

const GPT_SIGNATURE = "EFI PART";
/** "Protective": says that the real table is a GPT. */
const GPT_TYPE = 0xee;
const EXTENDED = new Set([0x05, 0x0f, 0x85]);
/** UEFI 2.10, section 5.3.3; a table is at most this long in practice. */
const MOST_ENTRIES = 512;

/** The partitions of a disk; none when there is no table that can be read. */
export async function readPartitions(read: ReadAt): Promise<readonly Extent[]> {
  const sectors = await read(0, 2 * SECTOR);
  if (sectors.length < 2 * SECTOR || sectors.readUInt16LE(510) !== 0xaa55) return [];
  const entries = mbrEntries(sectors);
  return entries.some(({ type }) => type === GPT_TYPE) ? gpt(read, sectors.subarray(SECTOR)) : entries;
}

/** The FAT partition with the label CBOX-BOOT. */
export async function findBootPartition(read: ReadAt): Promise<Extent | undefined> {
  for (const partition of await readPartitions(read)) {
    if (fatLabel(await read(partition.start, SECTOR)) === BOOT_LABEL) return partition;
  }
  return undefined;
}

/** The label in a FAT file system's first sector; undefined for anything else. */
export function fatLabel(sector: Buffer): string | undefined {
  if (sector.length < SECTOR || sector.readUInt16LE(510) !== 0xaa55) return undefined;
  // Label and type have other offsets in FAT32 than in FAT12 and FAT16.
  for (const [label, type] of [
    [71, 82],
    [43, 54],
  ] as const) {
    if (sector.toString("latin1", type, type + 3) === "FAT") {
      return sector.toString("latin1", label, label + 11).trimEnd();
    }
  }
  return undefined;
}

function mbrEntries(sector: Buffer): (Extent & { readonly type: number })[] {
  return [446, 462, 478, 494].flatMap((at) => {
    const type = sector[at + 4]!;
    const start = sector.readUInt32LE(at + 8) * SECTOR;
    const size = sector.readUInt32LE(at + 12) * SECTOR;
    return type === 0 || EXTENDED.has(type) || size === 0 ? [] : [{ name: "", start, size, type }];
  });
}

async function gpt(read: ReadAt, header: Buffer): Promise<Extent[]> {
  if (header.toString("latin1", 0, 8) !== GPT_SIGNATURE) return [];
  const at = Number(header.readBigUInt64LE(72)) * SECTOR;
  const count = Math.min(header.readUInt32LE(80), MOST_ENTRIES);
  const length = header.readUInt32LE(84);
  if (length < 128 || length > 4096) return [];
  const entries = await read(at, count * length);
  const found: Extent[] = [];
  for (let offset = 0; offset + length <= entries.length; offset += length) {
    const entry = entries.subarray(offset, offset + length);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const [first, last] = [entry.readBigUInt64LE(32), entry.readBigUInt64LE(40)].map(Number);
    const name = entry.toString("utf16le", 56, 128).replace(/\0.*$/s, "");
    found.push({ name, start: first! * SECTOR, size: (last! - first! + 1) * SECTOR });
  }
  return found;
}
