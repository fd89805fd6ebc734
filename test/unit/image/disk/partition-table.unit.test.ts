// SPDX-License-Identifier: GPL-3.0-or-later
// Finding CBOX-BOOT in the bytes of a disk: GPT, MBR, both kinds of FAT, and disks that are none of ours.
import { describe, expect, it } from "vitest";
import { MIB } from "../../../../image/disk/layout.ts";
import { findBootPartition, readPartitions } from "../../../../image/disk/partition-table.ts";
import { diskOf, fatSector, gpt, mbr } from "../../helpers/disk-bytes.ts";

const reader = (disk: Buffer) => async (offset: number, length: number) =>
  disk.subarray(offset, offset + length);

const OURS = [
  { name: "bios", start: 1, size: 1 },
  { name: "cbox-boot", start: 2, size: 4 },
  { name: "cbox-root", start: 6, size: 8 },
];

describe("readPartitions", () => {
  it("reads a GPT, in bytes", async () => {
    expect(await readPartitions(reader(gpt(OURS)))).toEqual([
      { name: "bios", start: MIB, size: MIB },
      { name: "cbox-boot", start: 2 * MIB, size: 4 * MIB },
      { name: "cbox-root", start: 6 * MIB, size: 8 * MIB },
    ]);
  });

  it("reads an MBR without the extended partition itself", async () => {
    const disk = mbr([
      { type: 0x0c, start: 4, size: 16 },
      { type: 0x05, start: 20, size: 4 },
      { type: 0x83, start: 24, size: 8 },
    ]);
    expect(await readPartitions(reader(disk))).toMatchObject([
      { start: 4 * MIB, size: 16 * MIB },
      { start: 24 * MIB, size: 8 * MIB },
    ]);
  });

  it.each([
    ["an empty disk", Buffer.alloc(MIB)],
    ["no disk at all", Buffer.alloc(0)],
    ["a GPT without its header", mbr([{ type: 0xee, start: 0, size: 1 }])],
  ])("finds none on %s", async (_what, disk) => {
    expect(await readPartitions(reader(disk))).toEqual([]);
  });
});

describe("findBootPartition", () => {
  it.each([
    ["FAT32 in a GPT", gpt(OURS), 2, 32],
    ["FAT16 in an MBR", mbr([{ type: 0x0e, start: 4, size: 16 }]), 4, 16],
  ] as const)("finds it by its label: %s", async (_what, table, at, kind) => {
    const ours = diskOf(8 * MIB, [
      [0, table],
      [at * MIB, fatSector("CBOX-BOOT", kind)],
    ]);
    expect(await findBootPartition(reader(ours))).toMatchObject({ start: at * MIB });
    const other = diskOf(8 * MIB, [
      [0, table],
      [at * MIB, fatSector("bootfs", kind)],
    ]);
    expect(await findBootPartition(reader(other))).toBeUndefined();
  });
});
