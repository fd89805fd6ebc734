// SPDX-License-Identifier: GPL-3.0-or-later
// Disk layout arithmetic: partitions follow each other without overlap, on MiB borders, inside the disk.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layoutDisk, MIB, rootSizeMib, SECTOR, sfdiskScript, stableUuid } from "../../image/disk-layout.ts";

const sizes = fc.record({
  bootMib: fc.integer({ min: 33, max: 1024 }),
  rootMib: fc.integer({ min: 100, max: 16384 }),
  seed: fc.string(),
});

describe("the disk layout", () => {
  it("puts partitions one after the other, aligned to MiB, with room for the backup table", () => {
    fc.assert(
      fc.property(sizes, (wanted) => {
        const { partitions, size } = layoutDisk(wanted);
        const { bios, boot, root } = partitions;
        expect(bios.start * SECTOR).toBe(MIB);
        expect(boot.start).toBe(bios.start + bios.size);
        expect(root.start).toBe(boot.start + boot.size);
        expect((boot.start * SECTOR) % MIB).toBe(0);
        expect(boot.size * SECTOR).toBe(wanted.bootMib * MIB);
        expect(root.size * SECTOR).toBe(wanted.rootMib * MIB);
        expect(size - (root.start + root.size) * SECTOR).toBe(MIB);
      }),
    );
  });

  it("gives every partition and the disk a UUID of its own that follows from the seed", () => {
    const one = layoutDisk({ bootMib: 64, rootMib: 700, seed: "a" });
    const same = layoutDisk({ bootMib: 64, rootMib: 700, seed: "a" });
    const other = layoutDisk({ bootMib: 64, rootMib: 700, seed: "b" });
    const uuids = [one.diskUuid, ...Object.values(one.partitions).map(({ uuid }) => uuid)];
    expect(new Set(uuids).size).toBe(4);
    expect(same).toEqual(one);
    expect(other.diskUuid).not.toBe(one.diskUuid);
  });

  it("writes what sfdisk reads", () => {
    expect(
      sfdiskScript(layoutDisk({ bootMib: 64, rootMib: 700, seed: "a" }))
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

describe("sizes and UUIDs", () => {
  it("a root has room for its content, its inode tables, its journal and the slack", () => {
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
