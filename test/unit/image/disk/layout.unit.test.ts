// SPDX-License-Identifier: GPL-3.0-or-later
// Disk layout arithmetic: partitions follow each other without overlap, on MiB borders, inside the disk.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hybridMbr, startsAt } from "../../../../image/boot/raspberry-pi.ts";
import {
  layoutDisk,
  MIB,
  rootSizeMib,
  SECTOR,
  sfdiskScript,
  stableUuid,
} from "../../../../image/disk/layout.ts";

const sizes = fc.record({
  bootMib: fc.integer({ min: 33, max: 1024 }),
  rootMib: fc.integer({ min: 100, max: 16384 }),
  seed: fc.string(),
  architecture: fc.constantFrom("amd64" as const, "arm64" as const),
  bios: fc.boolean(),
});
const PC = { bootMib: 64, rootMib: 700, architecture: "amd64", bios: true } as const;
const PI = { bootMib: 512, rootMib: 700, architecture: "arm64", bios: false } as const;

describe("the disk layout", () => {
  it("places partitions one after the other, aligned to MiB, with space for the backup table", () => {
    fc.assert(
      fc.property(sizes, (wanted) => {
        const { partitions, size } = layoutDisk(wanted);
        const { bios, boot, root } = partitions;
        const [first] = Object.values(partitions);
        expect(first?.start).toBe(MIB / SECTOR);
        expect(bios !== undefined).toBe(wanted.bios);
        expect(boot.start).toBe(bios ? bios.start + bios.size : MIB / SECTOR);
        expect(Object.values(partitions).map(({ number }) => number)).toEqual(
          wanted.bios ? [1, 2, 3] : [1, 2],
        );
        expect(root.start).toBe(boot.start + boot.size);
        expect((boot.start * SECTOR) % MIB).toBe(0);
        expect(boot.size * SECTOR).toBe(wanted.bootMib * MIB);
        expect(root.size * SECTOR).toBe(wanted.rootMib * MIB);
        expect(size - (root.start + root.size) * SECTOR).toBe(MIB);
      }),
    );
  });

  it("gives every partition and the disk a UUID of its own that follows from the seed", () => {
    const one = layoutDisk({ ...PC, seed: "a" });
    const same = layoutDisk({ ...PC, seed: "a" });
    const other = layoutDisk({ ...PC, seed: "b" });
    const uuids = [one.diskUuid, ...Object.values(one.partitions).map(({ uuid }) => uuid)];
    expect(new Set(uuids).size).toBe(4);
    expect(same).toEqual(one);
    expect(other.diskUuid).not.toBe(one.diskUuid);
  });

  it("is written as sfdisk reads it", () => {
    expect(
      sfdiskScript(layoutDisk({ ...PC, seed: "a" }))
        .split("\n")
        .slice(0, 7),
    ).toEqual([
      "label: gpt",
      expect.stringMatching(/^label-id: [0-9A-F-]{36}$/),
      "unit: sectors",
      "first-lba: 34",
      "",
      expect.stringMatching(
        /^disk.img1 : start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, uuid=.{36}, name="bios"$/,
      ),
      expect.stringMatching(/^disk.img2 : start=4096, size=131072, type=C12A7328-.*name="cbox-boot"$/),
    ]);
  });
});

describe("the MBR that a Raspberry Pi starts from", () => {
  const layout = layoutDisk({ ...PI, seed: "a" });
  const sector = Buffer.alloc(SECTOR);
  for (const [offset, bytes] of hybridMbr(layout)) sector.set(bytes, offset);

  it("names the FAT partition first, as FAT32, and covers the GPT behind it", () => {
    expect(sector.toString("hex", 0x1be, 0x1fe)).toBe(
      `00feffff0cfeffff000800000000100000feffffeefeffff01000000ff070000${"00".repeat(32)}`,
    );
    expect(sector.toString("hex", 510)).toBe("55aa");
  });

  it("is recognised by startsAt, which rejects other sectors", () => {
    const { boot, root } = layout.partitions;
    expect(startsAt(sector, boot)).toBe(true);
    expect(startsAt(sector, root)).toBe(false);
    expect(startsAt(Buffer.alloc(SECTOR), boot)).toBe(false);
  });

  it("has a root of the type that systemd-repart looks for on ARM", () => {
    expect(sfdiskScript(layout)).toMatch(/img2 .*type=B921B045-1DF0-41C3-AF44-4C6F280D3FAE/);
  });
});

describe("the root size and stable UUIDs", () => {
  it("a root has space for its content, inode tables, journal and slack", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8e9 }), fc.integer({ min: 0, max: 2000 }), (bytes, slack) => {
        const mib = rootSizeMib({ bytes, inodes: 1000 }, slack);
        expect(mib * MIB).toBeGreaterThan(bytes * 1.016 + slack * MIB + 60 * MIB);
      }),
    );
  });

  it("a stable UUID is a valid version 8 UUID", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(stableUuid(text)).toMatch(
          /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/,
        );
      }),
    );
  });
});
