// SPDX-License-Identifier: GPL-3.0-or-later
// The division of a box: whatever the box and the wish, the parts never exceed the whole and the host keeps its own.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lacking, remainder } from "../../../../firstboot/contexts/capacity.ts";
import { parseDisk } from "../../../../firstboot/contexts/facts.ts";
import {
  bounds,
  cpuPercent,
  cpuSet,
  LEAST,
  planContexts,
  type Resources,
  unfit,
} from "../../../../firstboot/contexts/plan.ts";

const box = fc.record({
  memoryMib: fc.integer({ min: 900, max: 262_144 }),
  cpus: fc.integer({ min: 1, max: 64 }),
  diskMib: fc.integer({ min: 1536, max: 8_000_000 }),
  processes: fc.integer({ min: 4096, max: 4_000_000 }),
});
const number = fc.option(fc.integer({ min: -5, max: 10_000_000 }), { nil: undefined });
const choice = fc.record({
  share: fc.constantFrom("little" as const, "half" as const, "most" as const, "exact" as const, undefined),
  memory_mib: number,
  cpus: number,
  disk_gib: number,
  processes: number,
  instances: number,
});

describe("the plan", () => {
  test("never exceeds the box, leaves the host a quarter of the memory and 500 MiB of disk, and gives each context its minimum", () => {
    fc.assert(
      fc.property(box, choice, (resources, wish) => {
        const { host, owner, community } = planContexts(resources, wish);
        for (const amount of ["memoryMib", "diskMib", "processes"] as const) {
          expect(host[amount] + owner[amount] + community[amount]).toBeLessThanOrEqual(resources[amount]);
          expect(owner[amount]).toBeGreaterThanOrEqual(LEAST[amount]);
          expect(community[amount]).toBeGreaterThanOrEqual(LEAST[amount]);
        }
        expect(host.memoryMib).toBeGreaterThanOrEqual(resources.memoryMib / 4);
        expect(host.diskMib).toBeGreaterThanOrEqual(500);
        expect(host.processes).toBeGreaterThanOrEqual(resources.processes / 4);
        expect(community.cpus).toBeGreaterThanOrEqual(1);
        expect(community.cpus).toBeLessThanOrEqual(resources.cpus);
        expect(community.instances).toBeGreaterThanOrEqual(1);
        for (const part of [owner, community])
          for (const value of Object.values(part)) expect(Number.isInteger(value)).toBe(true);
      }),
    );
  });

  test("never gives the community less for a larger share: little, half, most", () => {
    fc.assert(
      fc.property(box, (resources) => {
        const [little, half, most] = (["little", "half", "most"] as const).map(
          (share) => planContexts(resources, { share }).community,
        );
        for (const amount of ["memoryMib", "cpus", "diskMib", "processes", "instances"] as const) {
          expect(little![amount]).toBeLessThanOrEqual(half![amount]);
          expect(half![amount]).toBeLessThanOrEqual(most![amount]);
        }
      }),
    );
  });

  test("gives exactly what was asked for within the bounds", () => {
    fc.assert(
      fc.property(box, fc.double({ min: 0, max: 1, noNaN: true }), (resources, at) => {
        const limits = bounds(resources);
        const pick = ({ least, most }: { least: number; most: number }) =>
          Math.floor(least + (most - least) * at);
        const wish = { memory_mib: pick(limits.memoryMib), processes: pick(limits.processes) };
        const { community } = planContexts(resources, { share: "exact", ...wish });
        expect(community).toMatchObject({ memoryMib: wish.memory_mib, processes: wish.processes });
      }),
    );
  });

  test("of a virtual machine with 2 GiB has these numbers", () => {
    const resources: Resources = { memoryMib: 1971, cpus: 2, diskMib: 4062, processes: 15_438 };
    expect(planContexts(resources, { share: "half" })).toEqual({
      host: { memoryMib: 493, cpus: 2, diskMib: 500, processes: 3860 },
      owner: { memoryMib: 739, cpus: 2, diskMib: 1781, processes: 5789, instances: 7 },
      community: { memoryMib: 739, cpus: 1, diskMib: 1781, processes: 5789, instances: 7 },
    });
    expect(planContexts(resources, { share: "little" }).community).toMatchObject({ memoryMib: 369, cpus: 1 });
    expect(planContexts(resources, { share: "most" }).community).toMatchObject({ memoryMib: 1108, cpus: 1 });
  });
});

test.each([
  [899, 8000, "memory"],
  [900, 8000, undefined],
  [2000, 1535, "disk"],
  [2000, 1536, undefined],
])("a box with %i MiB of memory and %i MiB of data disk: unfit by %s", (memoryMib, diskMib, why) => {
  expect(unfit({}, { memoryMib, diskMib, cpus: 2, processes: 8000 })).toBe(why);
});

test("a box whose Debian has no Incus is unfit, whatever its resources", () => {
  const resources = { memoryMib: 2000, cpus: 2, diskMib: 8000, processes: 8000 };
  expect(unfit({ contexts: "none" }, resources)).toBe("engine");
  expect(unfit({ contexts: "incus" }, resources)).toBe(undefined);
});

test("the community gets the last processors, written as a range even when it is a single one", () => {
  expect(cpuSet({ cpus: 4 }, 3)).toBe("1-3");
  expect(cpuSet({ cpus: 2 }, 1)).toBe("1-1");
  expect(cpuSet({ cpus: 1 }, 1)).toBe("0-0");
});

test("the community's CPU weight follows its share", () => {
  expect(cpuPercent({ cpus: 4 }, { share: "little" }, 1)).toBe(25);
  expect(cpuPercent({ cpus: 4 }, {}, 2)).toBe(50);
  expect(cpuPercent({ cpus: 4 }, { share: "exact" }, 1)).toBe(25);
  expect(cpuPercent({ cpus: 1 }, { share: "exact" }, 1)).toBe(90);
});

test("the context's own container gets what its other instances leave", () => {
  const limits = { memoryMib: 700, diskMib: 4000, processes: 3000 };
  const part = { memoryMib: 128, diskMib: 1024, processes: 200 };
  expect(remainder(limits, [part, part])).toEqual({ memoryMib: 444, diskMib: 1952, processes: 2600 });
  expect(lacking(remainder(limits, [part, part]))).toBeUndefined();
  expect(lacking(remainder(limits, [part, part, part, part, part]))).toBe("memoryMib");
  expect(lacking(remainder(limits, [{ ...part, diskMib: 3600 }]))).toBe("diskMib");
});

describe("parseDisk", () => {
  const MIB = 1024 * 1024;
  const part = (path: string, start: number, mib: number, more: object = {}) => ({
    path,
    start: (start * MIB) / 512,
    size: mib * MIB,
    partlabel: null,
    mountpoints: [null],
    ...more,
  });
  const root = part("/dev/sda3", 66, 4000, { mountpoints: ["/"] });
  const disk = (children: object[], path = "/dev/sda") => ({
    path,
    size: 8192 * MIB,
    start: null,
    mountpoints: [null],
    children,
  });
  const read = (...blockdevices: object[]) => parseDisk(JSON.stringify({ blockdevices }));

  test("finds the disk with the root file system, and counts as free what lies behind its last partition", () => {
    const stick = disk([part("/dev/sdb1", 1, 8000, { partlabel: "CBOX-DATA" })], "/dev/sdb");
    expect(read(stick, disk([root]))).toEqual({ device: "/dev/sda", freeMib: 4125 });
  });

  test("finds the data partition by its name", () => {
    const data = part("/dev/sda4", 4066, 4125, { partlabel: "CBOX-DATA", partuuid: "AB-1" });
    expect(read(disk([root, data]))).toEqual({
      device: "/dev/sda",
      data: { device: "/dev/sda4", mib: 4125, uuid: "ab-1" },
      freeMib: 0,
    });
  });

  test("returns a result for any output of lsblk", () => {
    for (const text of ["", "not json", "{}", '{"blockdevices":[]}', '{"blockdevices":[{"children":[{}]}]}'])
      expect(parseDisk(text)).toEqual({ freeMib: 0 });
  });
});
