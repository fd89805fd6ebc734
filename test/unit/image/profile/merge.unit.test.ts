// SPDX-License-Identifier: GPL-3.0-or-later
// The merge of profiles, by its properties: the same every time, grouping does not matter, every leaf has an origin.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Leaf, leaves, merge, plain, type Tracked, track } from "../../../../image/profile/merge.ts";
import { profileSchema } from "../../../../image/profile/schema.ts";

const strayless = () => {};
const from = (data: unknown, file: string) => track(data, () => ({ file, line: 1 }));
const merged = (...files: unknown[]) =>
  files.reduce<Tracked | undefined>((parent, data, index) => {
    return merge(parent, from(data, `file${index}`), profileSchema, strayless);
  }, undefined) as Tracked;

describe("merging a profile into its parent", () => {
  it("merges maps, overrides scalars, appends to lists, and drops duplicates", () => {
    const parent = {
      release: "trixie",
      kernel: { package: "linux-a", arguments: ["quiet"] },
      packages: ["less", "nano"],
    };
    const child = {
      kernel: { package: "linux-b", arguments: ["nomodeset", "quiet"] },
      packages: ["nano", "vim"],
    };
    expect(plain(merged(parent, child))).toEqual({
      release: "trixie",
      kernel: { package: "linux-b", arguments: ["quiet", "nomodeset"] },
      packages: ["less", "nano", "vim"],
    });
  });

  it("removes entries from the parent's list", () => {
    expect(plain(merged({ packages: ["less", "nano"] }, { packages: ["-less", "vim"] }))).toEqual({
      packages: ["nano", "vim"],
    });
  });

  it("moves an entry to the end when it is removed and added again", () => {
    expect(plain(merged({ packages: ["less", "nano"] }, { packages: ["-less", "less"] }))).toEqual({
      packages: ["nano", "less"],
    });
  });

  it("reports a removed entry that did not exist", () => {
    const strays: Leaf[] = [];
    merge(from({ packages: ["less"] }, "a"), from({ packages: ["-les"] }, "b"), profileSchema, (leaf) =>
      strays.push(leaf),
    );
    expect(strays.map(({ value, origin }) => [value, origin.file])).toEqual([["-les", "b"]]);
  });

  it("identifies the maps of a list by their first required key", () => {
    const parent = {
      consoles: [
        { device: "tty1", kernel: "tty0" },
        { device: "ttyS0", kernel: "ttyS0", speed: 9600 },
      ],
    };
    const child = {
      consoles: [{ device: "ttyS0", speed: 115200 }, "-tty1", { device: "ttyAMA0", kernel: "ttyAMA0" }],
    };
    expect(plain(merged(parent, child))).toEqual({
      consoles: [
        { device: "ttyS0", kernel: "ttyS0", speed: 115200 },
        { device: "ttyAMA0", kernel: "ttyAMA0" },
      ],
    });
  });

  it("records for each leaf the file that it comes from", () => {
    const parent = { packages: ["less", "nano"], consoles: [{ device: "ttyS0", kernel: "ttyS0" }] };
    const child = { packages: ["-less", "vim"], consoles: [{ device: "ttyS0", speed: 9600 }] };
    const origins = [...leaves(merged(parent, child))].map(([field, leaf]) => [
      field,
      leaf.value,
      leaf.origin.file,
    ]);
    expect(origins).toEqual([
      ["packages[0]", "nano", "file0"],
      ["packages[1]", "vim", "file1"],
      ["consoles[0].device", "ttyS0", "file1"],
      ["consoles[0].kernel", "ttyS0", "file0"],
      ["consoles[0].speed", 9600, "file1"],
    ]);
  });
});

const word = fc.constantFrom("a", "b", "c", "d", "e");
const consoles = fc.uniqueArray(
  fc.record(
    { device: fc.constantFrom("tty1", "ttyS0", "ttyS1"), kernel: word, speed: fc.nat(3) },
    { requiredKeys: ["device"] },
  ),
  { selector: (console) => console.device },
);
/** Anything one file may say, without removals. */
const addition = fc.record(
  {
    title: word,
    packages: fc.uniqueArray(word),
    kernel: fc.record({ package: word, arguments: fc.uniqueArray(word) }, { requiredKeys: [] }),
    consoles,
    disk: fc.record({ minimum_gib: fc.nat(9) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
/** The same, and entries may be taken off. */
const anything = fc.record(
  {
    packages: fc.uniqueArray(
      fc.oneof(
        word,
        word.map((name) => `-${name}`),
      ),
    ),
    consoles: consoles.chain((added) => fc.constantFrom(added, ["-tty1", ...added], [...added, "-ttyS0"])),
    kernel: fc.record({ package: word, arguments: fc.uniqueArray(word) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

describe("merging arbitrary files", () => {
  it("is deterministic, and does not change its inputs", () => {
    fc.assert(
      fc.property(anything, anything, (a, b) => {
        const [parent, child] = [merged(a), from(b, "b")];
        const before = JSON.stringify([plain(parent), plain(child)]);
        const first = merge(parent, child, profileSchema, strayless);
        expect(merge(parent, child, profileSchema, strayless)).toEqual(first);
        expect(JSON.stringify([plain(parent), plain(child)])).toBe(before);
      }),
    );
  });

  it("does not depend on how the chain is grouped, where nothing is removed", () => {
    fc.assert(
      fc.property(addition, addition, addition, (a, b, c) => {
        const [x, y, z] = [from(a, "a"), from(b, "b"), from(c, "c")];
        const join = (parent: Tracked, child: Tracked) => merge(parent, child, profileSchema, strayless);
        expect(join(join(x, y), z)).toEqual(join(x, join(y, z)));
      }),
    );
  });

  it("changes nothing when a file is merged a second time", () => {
    fc.assert(
      fc.property(addition, addition, (a, b) => {
        expect(plain(merged(a, b, b))).toEqual(plain(merged(a, b)));
      }),
    );
  });

  it("records for every leaf a file that contains it", () => {
    fc.assert(
      fc.property(fc.array(anything, { minLength: 1, maxLength: 4 }), (files) => {
        for (const [, { value, origin }] of leaves(merged(...files))) {
          const file = files[Number(origin.file.slice("file".length))];
          expect([...leaves(from(file, ""))].map(([, leaf]) => leaf.value)).toContain(value);
        }
      }),
    );
  });

  it("leaves no removal and no duplicate in the result", () => {
    fc.assert(
      fc.property(fc.array(anything, { minLength: 1, maxLength: 4 }), (files) => {
        const { packages = [], consoles = [] } = plain(merged(...files)) as {
          packages?: string[];
          consoles?: { device: string }[];
        };
        const devices = consoles.map((console) => console.device);
        expect(packages.filter((name) => name.startsWith("-"))).toEqual([]);
        expect(new Set(packages).size).toBe(packages.length);
        expect(new Set(devices).size).toBe(devices.length);
      }),
    );
  });
});
