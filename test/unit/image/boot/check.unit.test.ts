// SPDX-License-Identifier: GPL-3.0-or-later
// What verify says about the way a Raspberry Pi starts: each thing that can be wrong, seen red on files in memory.
import { describe, expect, it } from "vitest";
import { checkBoot, isAtLeast } from "../../../../image/boot/check.ts";
import { hybridMbr } from "../../../../image/boot/raspberry-pi.ts";
import type { ImageFiles } from "../../../../image/disk/image-files.ts";
import { layoutDisk, SECTOR } from "../../../../image/disk/layout.ts";
import { resolveProfile } from "../../../../image/profile/index.ts";

const RELEASE = "6.12.107+deb13-arm64";
const CMDLINE =
  "console=tty0 console=ttyS1,115200 root=LABEL=CBOX-ROOT rw net.ifnames=0  rootwait quiet loglevel=3 systemd.show_status=auto \n";
const CONFIG = `arm_64bit=1\nenable_uart=1\nkernel=vmlinuz-${RELEASE}\ninitramfs initrd.img-${RELEASE}\n`;
const SETTINGS = 'CONSOLES="tty0 ttyS1,115200"\nROOTPART="LABEL=CBOX-ROOT"\nCMA=0\n';

/** A sound image, with files replaced or (undefined) taken away: `boot:NAME` of CBOX-BOOT, others of the root. */
async function findings(
  changes: Readonly<Record<string, string | undefined>> = {},
  { id = "raspberry-pi", label = "CBOX-ROOT", table = true } = {},
): Promise<string[]> {
  const profile = resolveProfile(id);
  const disk = layoutDisk({ bootMib: 512, rootMib: 900, seed: "x", architecture: "arm64", bios: false });
  const modules = profile.kernel.initramfs_modules.map(
    (name) => `kernel/${name.replaceAll("_", "-")}.ko.xz:\n`,
  );
  const files: Record<string, string | undefined> = {
    "boot:config.txt": CONFIG,
    "boot:cmdline.txt": CMDLINE,
    [`boot:vmlinuz-${RELEASE}`]: "kernel",
    [`/boot/vmlinuz-${RELEASE}`]: "kernel",
    [`boot:initrd.img-${RELEASE}`]: "initrd",
    [`/boot/initrd.img-${RELEASE}`]: "initrd",
    [`/usr/lib/modules/${RELEASE}/modules.dep`]: modules.join(""),
    "/etc/default/raspi-firmware": SETTINGS,
    ...Object.fromEntries(
      ["bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat"].map((name) => [
        `boot:${name}`,
        "x",
      ]),
    ),
    ...Object.fromEntries(profile.boot.device_trees.map((name) => [`boot:${name}.dtb`, "x"])),
    ...changes,
  };
  const get = (path: string) => {
    const text = files[path];
    return text === undefined ? undefined : Buffer.from(text);
  };
  const sector = Buffer.alloc(SECTOR);
  if (table) for (const [offset, bytes] of hybridMbr(disk)) sector.set(bytes, offset);
  const image: ImageFiles = {
    disk: async () => sector,
    boot: async (path) => get(`boot:${path}`),
    root: async (path) => get(path),
    realPath: async (path) => (files[path] === undefined ? undefined : path),
    rootLabel: async () => label,
  };
  return checkBoot(image, { profile, disk });
}

describe("the boot check of a Raspberry Pi's image", () => {
  it("finds nothing in what Debian's raspi-firmware writes with our settings", async () => {
    expect(await findings()).toEqual([]);
  });

  it.each<[string, Record<string, string | undefined>, string[]]>([
    [
      "a board's device tree is missing",
      { "boot:bcm2711-rpi-400.dtb": undefined },
      ["CBOX-BOOT lacks /bcm2711-rpi-400.dtb"],
    ],
    ["the boot ROM finds nothing", { "boot:bootcode.bin": undefined }, ["CBOX-BOOT lacks /bootcode.bin"]],
    [
      "Debian's default for cma",
      { "boot:cmdline.txt": CMDLINE.replace("rootwait", "cma=64M rootwait") },
      ["cmdline.txt says cma=64M, with which a Pi 4 does not start"],
    ],
    [
      "the consoles of the machine that built it",
      { "boot:cmdline.txt": CMDLINE.replace("ttyS1", "ttyAMA0") },
      ["cmdline.txt says console=tty0 console=ttyAMA0,115200, expected console=tty0 console=ttyS1,115200"],
    ],
    [
      "the root of the machine that built it",
      { "boot:cmdline.txt": CMDLINE.replace("LABEL=CBOX-ROOT", "/dev/mmcblk0p2") },
      ["the kernel is told root=LABEL=, but the root file system has another label"],
    ],
    [
      "an initrd that is not there",
      { [`boot:initrd.img-${RELEASE}`]: undefined },
      [`config.txt names initrd.img-${RELEASE}, which is not on CBOX-BOOT`],
    ],
    [
      "an initrd older than the one in /boot",
      { [`/boot/initrd.img-${RELEASE}`]: "newer" },
      [`initrd.img-${RELEASE} on CBOX-BOOT is not the same as /boot/initrd.img-${RELEASE}`],
    ],
    [
      "no serial console",
      { "boot:config.txt": CONFIG.replace("enable_uart=1\n", "") },
      ["config.txt does not say enable_uart=1: no serial console"],
    ],
    [
      "settings that the next kernel update would get wrong",
      { "/etc/default/raspi-firmware": SETTINGS.replace("CMA=0", "#CMA=64M") },
      ["/etc/default/raspi-firmware lacks CMA=0"],
    ],
    [
      "a kernel without the card slot",
      { [`/usr/lib/modules/${RELEASE}/modules.dep`]: "kernel/ext4.ko.xz:\n" },
      expect.arrayContaining([`the kernel ${RELEASE} has no module bcm2835`]),
    ],
  ])("finds: %s", async (_what, changes, expected) => {
    expect(await findings(changes)).toEqual(expected);
  });

  it("finds a boot sector's table that leads nowhere, and a root file system with another label", async () => {
    expect(await findings({}, { table: false })).toEqual([
      "the boot sector's table does not lead to CBOX-BOOT, so no board finds it",
    ]);
    expect(await findings({}, { label: "OTHER" })).toEqual([
      "the kernel is told root=LABEL=CBOX-ROOT, but the root file system has another label",
      '/etc/default/raspi-firmware lacks ROOTPART="LABEL=OTHER"',
    ]);
  });

  it("refuses the release's own kernel on a Pi 5, which needs a newer one", async () => {
    const five = {
      "boot:cmdline.txt": CMDLINE.replace("ttyS1", "ttyAMA10"),
      "/etc/default/raspi-firmware": SETTINGS.replace("ttyS1", "ttyAMA10"),
    };
    expect(await findings(five, { id: "raspberry-pi-5" })).toEqual([
      `the kernel is ${RELEASE}, but this hardware needs 6.18 or newer`,
    ]);
  });
});

it("isAtLeast compares versions number by number", () => {
  expect(isAtLeast("6.18.5+deb13-arm64", "6.18")).toBe(true);
  expect(isAtLeast("7.3.4", "6.18")).toBe(true);
  expect(isAtLeast("6.9.7-arm64", "6.18")).toBe(false);
  expect(isAtLeast("6", "6.18")).toBe(false);
});
