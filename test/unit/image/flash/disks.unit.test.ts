// SPDX-License-Identifier: GPL-3.0-or-later
// Which disks are offered and which are refused, from what lsblk says of ordinary machines.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  candidates,
  checkDisk,
  type Demands,
  describeContents,
  describeDisk,
  listCandidates,
  parseDisks,
} from "../../../../image/flash/disks.ts";
import { findTarget } from "../../../../image/flash/target.ts";
import { failureOf } from "../../../failure-of.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const GB = 1e9;

/** What lsblk leaves out is null or false. */
function device(name: string, over: object = {}) {
  return {
    ...{ name, path: `/dev/${name}`, type: "disk", size: 32 * GB, vendor: null, model: null, tran: null },
    ...{ rm: false, hotplug: false, ro: false, fstype: null, label: null, partlabel: null },
    ...{ mountpoints: [null], ...over },
  };
}
const part = (name: string, over: object = {}) => device(name, { type: "part", size: 16 * GB, ...over });
const stick = (name: string, over: object = {}) =>
  device(name, { tran: "usb", rm: true, hotplug: true, vendor: "SanDisk ", model: "Ultra", ...over });

const LSBLK = JSON.stringify({
  blockdevices: [
    device("sda", {
      ...{ tran: "sata", model: "Laptop SSD", size: 500 * GB },
      children: [
        part("sda1", { fstype: "vfat", mountpoints: ["/boot/efi"] }),
        part("sda2", { fstype: "ext4", mountpoints: ["/"] }),
      ],
    }),
    device("sdb", {
      tran: "sata",
      model: "Old disk",
      size: 80 * GB,
      children: [part("sdb1", { fstype: "ntfs", label: "Windows" })],
    }),
    stick("sdc", { children: [part("sdc1", { fstype: "vfat", label: "HOLIDAY" }), part("sdc2")] }),
    stick("sdd", {
      children: [part("sdd1", { fstype: "ext4", label: "PHOTOS", mountpoints: ["/media/anna/PHOTOS"] })],
    }),
    stick("sde", { size: 0 }),
    stick("sdf", { ro: true }),
    stick("sdg", { size: 2000 * GB, model: "Archive" }),
    stick("sdh", {
      children: [
        part("sdh1", {
          fstype: "LVM2_member",
          children: [device("vg-data", { path: "/dev/mapper/vg-data", type: "lvm" })],
        }),
      ],
    }),
    stick("sdi", {
      children: [part("sdi1", { fstype: "linux_raid_member", children: [device("md0", { type: "raid1" })] })],
    }),
    stick("sdj", {
      children: [part("sdj1", { fstype: "crypto_LUKS", children: [device("luks", { type: "crypt" })] })],
    }),
    stick("sdk", { children: [part("sdk1", { fstype: "swap", mountpoints: ["[SWAP]"] })] }),
    stick("sdl", { size: 2 * GB }),
    stick("sdm", { "log-sec": 4096 }),
    device("nvme0n1", { tran: "nvme", model: "Fast", "log-sec": 4096 }),
    stick("sdn", { "log-sec": 520 }),
    stick("sdo", { "log-sec": 512 }),
    device("sr0", { type: "rom", rm: true, size: 4 * GB }),
  ],
});
const disks = parseDisks(LSBLK);
const disk = (name: string) => disks.find((each) => each.name === name)!;
const demands: Demands = {
  ...{ least: 4 * GB, most: 256 * GB, why: "Virtual machine needs about", force: false },
  command: "./cbox flash vm-amd64",
};

describe("the disks that are offered", () => {
  it("are all that are removable and not part of this computer", () => {
    expect(candidates(disks).map(({ name }) => name)).toEqual([
      "sdc",
      "sdd",
      "sdf",
      "sdg",
      "sdh",
      "sdi",
      "sdj",
      "sdl",
      "sdm",
      "sdn",
      "sdo",
    ]);
  });

  it("are shown with size, vendor and content", () => {
    expect(
      listCandidates(
        parseDisks(
          JSON.stringify({
            blockdevices: [stick("sdb", { size: 31.9 * GB, fstype: "vfat", label: "HOLIDAY" })],
          }),
        ),
      ),
    ).toBe(
      "  disk      size     what it is           what is on it\n  /dev/sdb  31.9 GB  SanDisk Ultra (usb)  HOLIDAY",
    );
    expect(describeDisk(disk("sdc"))).toBe("sdc, 32.0 GB, SanDisk Ultra (usb)");
    expect(describeContents(disk("sdc").contents)).toBe(
      "  /dev/sdc1  16.0 GB  vfat  HOLIDAY\n  /dev/sdc2  16.0 GB  -",
    );
    expect(describeContents(disk("sdl").contents)).toBe("  nothing that this computer knows");
  });
});

describe("the check of a disk", () => {
  it.each([
    ["sda", "disk-is-system", "/dev/sda is what this computer runs from", "/dev/sda1 is its /boot/efi"],
    ["sdk", "disk-is-system", "It is never written to.", "/dev/sdk1 is its swap"],
    ["sdb", "disk-not-removable", "/dev/sdb is built into this computer", "sdb, 80.0 GB, Old disk (sata)"],
    [
      "sdc1",
      "disk-is-partition",
      "/dev/sdc1 is only a part of a disk",
      "/dev/sdc1 is a partition of /dev/sdc",
    ],
    ["vg-data", "disk-is-partition", "is only a part of a disk", "/dev/mapper/vg-data is lvm of /dev/sdh"],
    ["sdd", "disk-in-use", "/dev/sdd is in use", "/dev/sdd1 is mounted at /media/anna/PHOTOS"],
    ["sdh", "disk-in-use", "/dev/sdh is in use", "/dev/mapper/vg-data (lvm) is made of it"],
    ["sdi", "disk-in-use", "/dev/sdi is in use", "/dev/md0 (raid1) is made of it"],
    ["sdj", "disk-in-use", "/dev/sdj is in use", "/dev/luks (crypt) is made of it"],
    ["sde", "disk-empty", "There is no card in /dev/sde.", "a size of 0"],
    ["sdf", "disk-read-only", "/dev/sdf is write-protected.", undefined],
    ["sdg", "disk-too-large", "/dev/sdg is larger than cards", "sdg, 2000.0 GB, SanDisk Archive (usb)"],
    ["sdl", "disk-too-small", "/dev/sdl is too small.", "2.0 GB; Virtual machine needs about 4.0 GB"],
    [
      "sdm",
      "disk-sectors",
      "/dev/sdm counts in sectors of another size than an image, which has 512 bytes",
      "sectors of 4096 bytes (sdm, 32.0 GB, SanDisk Ultra (usb))",
    ],
    [
      "nvme0n1",
      "disk-sectors",
      "nothing would start from it",
      "sectors of 4096 bytes (nvme0n1, 32.0 GB, Fast (nvme))",
    ],
    ["sdn", "disk-sectors", "/dev/sdn counts", "sectors of 520 bytes (sdn, 32.0 GB, SanDisk Ultra (usb))"],
  ])("refuses %s with %s", async (name, code, what, found) => {
    const failure = await failureOf(() => checkDisk(disk(name), demands));
    expect(failure).toMatchObject({ code, found });
    expect(failure.message).toContain(what);
    expect(failure.hint).toMatch(/\w/);
  });

  it("suggests what to type instead", async () => {
    const hint = async (name: string) => (await failureOf(() => checkDisk(disk(name), demands))).hint;
    expect(await hint("sdc1")).toBe("./cbox flash vm-amd64 /dev/sdc");
    expect(await hint("sdd")).toBe("umount /dev/sdd1");
    expect(await hint("sdg")).toBe("if you are sure: ./cbox flash vm-amd64 /dev/sdg --force");
  });

  it("accepts large and built-in disks with --force, and nothing else", async () => {
    const forced = { ...demands, force: true };
    for (const name of ["sdb", "sdg"]) expect(() => checkDisk(disk(name), forced)).not.toThrow();
    for (const name of ["sda", "sdd", "sdh", "sdk", "sdf", "sdl", "sdm", "nvme0n1", "sdc1"]) {
      expect.soft((await failureOf(() => checkDisk(disk(name), forced))).code, name).toMatch(/^disk-/);
    }
  });

  it("accepts a good card", () => {
    expect(() => checkDisk(disk("sdc"), demands)).not.toThrow();
    expect(() => checkDisk(disk("sdo"), demands)).not.toThrow();
  });
});

describe("findTarget", () => {
  const none = async () => [];

  it.each([
    ["/dev/no-such-disk", "disk-missing", "There is no disk /dev/no-such-disk.", "no such device"],
    ["sdb", "disk-missing", "There is no disk sdb.", "a name without a folder"],
    ["/dev/null", "target-unsuitable", "/dev/null is neither a disk nor a file.", undefined],
    ["/no/such/folder/disk.img", "target-unsuitable", "There is no folder /no/such/folder.", undefined],
  ])("refuses %s: %s", async (typed, code, what, found) => {
    const failure = await failureOf(() => findTarget(typed, demands, GB, none));
    expect(failure).toMatchObject({ code, message: what, found });
  });

  it("refuses a file that is too small for the box, and says how to grow it", async () => {
    const folder = temporaryDirectory();
    const path = join(folder, "small.img");
    writeFileSync(path, "x");
    expect(await failureOf(() => findTarget(path, demands, GB, none))).toMatchObject({
      code: "disk-too-small",
      found: "1 bytes; Virtual machine needs about 4.0 GB",
      hint: `truncate --size 3815M ${path}`,
    });
  });

  it("refuses a folder", async () => {
    const folder = join(temporaryDirectory(), "x");
    mkdirSync(folder);
    expect(await failureOf(() => findTarget(folder, demands, GB, none))).toMatchObject({
      code: "target-unsuitable",
    });
  });

  it("makes a file that does not exist, without asking for a confirmation", async () => {
    const path = join(temporaryDirectory(), "new.img");
    expect(await findTarget(path, demands, 5 * GB, none)).toMatchObject({
      ...{ path, name: "new.img", size: 5 * GB, kind: "file", isNew: true },
    });
  });
});
