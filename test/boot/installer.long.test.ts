// SPDX-License-Identifier: GPL-3.0-or-later
// From a USB stick to an empty disk: by hand, with the power cut in the middle of the copy, on a BIOS; and by
// answers.yaml on UEFI, where the box finds its new disk without anybody taking the stick out. And a Minix as it is
// sold, with another system on its eMMC, at its screen.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { $ } from "zx";
import { buildCommand } from "../../image/commands/build.ts";
import { SECTOR } from "../../image/disk/layout.ts";
import { makeScratch } from "../../image/host/scratch.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as seen from "./observations.ts";
import { answer, begin, WELCOME } from "./set-up-dialogue.ts";
import { type Subject, subject } from "./subject.ts";

/** A stick is slow, and all of it is emulated. */
const COPY_MS = 600_000;
const STICK_MIB = 4096;
const DISK_MIB = 8192;
const MIB = 1024 * 1024;

const scratch = makeScratch();
let box: Box;

afterAll(() => scratch.remove());
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await box?.destroy();
});

describe("vm-amd64 BIOS, started from a USB stick beside an empty disk", () => {
  let stickId: string;

  test("offers to install, says what would be lost, and requires the disk's name", async () => {
    box = await createBox({ ...(await subject("vm-amd64")), emptyDiskMib: DISK_MIB, diskMib: STICK_MIB });
    await box.powerOn();
    await begin(box);
    await answer(box, "install/language", "3");
    expect(await answer(box, "install/to")).toMatch(/1\. Install to vda, 8\.6 GB\s+2\. From where it is now/);
    expect(await answer(box, "install/confirm", "sda")).toMatch(
      /will be lost: vda, 8\.6 GB\. On it now: -\./s,
    );
    expect(await box.ask("lsblk --noheadings --output FSTYPE,PTTYPE /dev/vda")).toBe("");
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    stickId = (await seen.identity(box)).machineId;
    expect(await answer(box, "install/confirm", "vda")).toContain(
      "[error] This is not the name of the disk.",
    );
  });

  test("has a disk that does not start after a power cut during the copy, and a stick that continues", async () => {
    await box.expect(/\[apply\] Erasing vda.*Copying the system: [1-9]\d %/s, { timeoutMs: COPY_MS });
    await box.cutPower();
    expect((await sectors(box, 1)).subarray(0, 440)).toEqual(Buffer.alloc(440));
    await box.powerOn();
    await box.expect(/\[moved\] Installed.*Press Enter/s, { timeoutMs: BOOT_MS + COPY_MS });
    expect((await sectors(box, 1)).subarray(0x1be, 0x1bf)).toEqual(Buffer.of(0x80));
    box.key("enter");
    await box.poweredOff(180_000);
  });

  test("starts without the stick as if the image had been written to the disk", async () => {
    box.pullStick();
    await box.powerOn();
    const [page] = await box.expect(WELCOME, { timeoutMs: BOOT_MS });
    expect(page).not.toContain("unfinished");
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    expect(await box.ask("findmnt --noheadings --output SOURCE,FSTYPE /")).toMatch(/^\/dev\/vda3 +ext4$/);
    expect(await box.ask("findmnt --noheadings --output SOURCE /boot/efi")).toBe("/dev/vda2");
    expect((await box.ask("od -An -tx1 -j446 -N1 /dev/vda")).trim()).toBe("80");
    // Half of the disk, as on one that the image was written to.
    expect(await seen.rootSize(box)).toBeGreaterThan(2048 * MIB);
    expect(await seen.unclaimedSpace(box)).toBeGreaterThan(1024 * MIB);
    const { machineId, hostKeys } = await seen.identity(box);
    expect(machineId).toMatch(/^[0-9a-f]{32}$/);
    expect(machineId).not.toBe(stickId);
    expect(hostKeys).toEqual([]);
    expect(await seen.passwords(box)).toEqual([]);
    box.key("enter");
    await answer(box, "system/language", "3");
    await answer(box, "system/timezone");
    await box.destroy();
  });
});

describe("vm-amd64 UEFI 64-bit, a stick with answers.yaml", () => {
  test("installs without a key press, restarts from the disk, and continues there", async () => {
    const answers = `version: 1
install: { to: auto, erase: true }
system:
  language: en
  hostname: del-llapis
  owner: { name: anna, password: "tres oques dalt del pont" }
`;
    const it = await subject("vm-amd64");
    const files = { "answers.yaml": answers };
    box = await createBox({
      ...it,
      ...{ firmware: "efi64", emptyDiskMib: DISK_MIB, diskMib: STICK_MIB, ownDisk: true, files },
    });
    await box.powerOn();
    await box.expect(/\[apply\] Erasing vda/, { timeoutMs: 2 * BOOT_MS });
    await box.expect(/\[apply\] Account of the owner: anna/, {
      timeoutMs: 2 * BOOT_MS + COPY_MS,
    });
    expect(await box.ask("findmnt --noheadings --output SOURCE /")).toBe("/dev/vda3");
    expect(await box.ask("efibootmgr | grep -c 'Community Box'")).toBe("1");
    expect(await box.ask("cat /boot/efi/answers.yaml")).not.toContain("install");
    await box.cutPower();
    // The stick is as it was: it may go to the next box.
    const partition = await box.bootPartition();
    expect(await partition.get("answers.yaml")).toBe(answers);
    expect(await partition.get("answers-report.yaml")).toBeUndefined();
    await box.destroy();
  });
});

describe("minix-neo-z64 UEFI 32-bit, a stick beside an eMMC that holds another system", () => {
  const TABLE = `label: gpt
size=100MiB, type=uefi, name="EFI system partition"
size=16MiB, type=E3C9E316-0B5C-4DB8-817D-F92DF00215AE, name="Microsoft reserved partition"
type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name="Basic data partition"
`;
  let it: Subject;
  let started: { kernel: string; words: string; firstSector: number };

  test("shows what is on the eMMC, and installs from the screen", async () => {
    await buildCommand("minix-neo-z64", {});
    const { profile, ...image } = await subject("minix-neo-z64");
    it = { ...image, profile: { ...profile, qemu: { ...profile.qemu, disk: "sdhci" } } };
    box = await createBox({
      ...it,
      ...{ firmware: "efi32", serial: false, emptyDiskMib: DISK_MIB, diskMib: STICK_MIB },
    });
    await box.powerOn();
    await welcome(box);
    // QEMU can be given cards only, and they are never installed to: this one calls itself soldered.
    expect(await box.ask("cat /sys/block/mmcblk0/device/type")).toBe("SD");
    await box.ask("echo MMC >/run/type && mount --bind /run/type /sys/block/mmcblk0/device/type");
    await box.ask(`printf '%s' '${TABLE}' | sfdisk --quiet /dev/mmcblk0 && udevadm settle`);
    await box.ask(
      "mkfs.vfat -n SYSTEM /dev/mmcblk0p1 && mkfs.ext4 -q -E nodiscard -L Windows /dev/mmcblk0p3 200M",
    );
    await box.ask("systemctl stop cbox-firstboot && setterm --clear all >/dev/tty1 --term linux");
    await box.ask("systemctl start cbox-firstboot");
    await seen.onScreen(box, "Press Enter to begin");
    await press("");
    await seen.onScreen(box, "[install/language]");
    await press("3");
    await seen.onScreen(box, "[install/to]");
    await seen.onScreen(box, "1. Install to mmcblk0, 8.");
    await press("");
    await seen.onScreen(box, "[install/confirm]");
    await seen.onScreen(box, "Windows");
    await press("mmcblk0");
    await seen.onScreen(box, "[moved] Installed", { timeoutMs: COPY_MS });
    expect(await box.ask("efibootmgr | grep -c 'Community Box'")).toBe("1");
    await press("");
    await box.poweredOff(180_000);
  });

  test("is started by the firmware without the stick, with nothing left of the other system", async () => {
    // On SATA, since no UEFI of QEMU's reads cards. What the firmware has noted is a partition, wherever that is.
    box.pullStick("ide");
    await box.powerOn();
    await welcome(box);
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    expect(await seen.firmware(box)).toBe("32");
    const entry = await box.ask("efibootmgr | grep \"^Boot$(efibootmgr | sed -n 's/^BootCurrent: //p')\"");
    expect(entry).toContain("Community Box");
    expect(await box.ask("findmnt --noheadings --output SOURCE /")).toBe("/dev/sda2");
    expect(await box.ask("findmnt --noheadings --output SOURCE /boot/efi")).toBe("/dev/sda1");
    expect(await box.ask("sfdisk --verify /dev/sda")).toContain("No errors detected");
    expect(await box.ask("lsblk --noheadings --list --output LABEL /dev/sda | sort | xargs")).toMatch(
      /^CBOX-[0-9A-F]{6} CBOX-ROOT-[0-9A-F]{6}$/,
    );
    started = {
      kernel: await box.ask("uname -r"),
      words: (await box.ask("cat /proc/cmdline")).replace(/^BOOT_IMAGE=\S+ /, ""),
      firstSector: Number(await box.ask("cat /sys/class/block/sda2/start")),
    };
    await box.ask("systemctl poweroff --no-block");
    await box.poweredOff(180_000);
  });

  test("has a kernel and an initrd that find the root file system on the eMMC's controller", async () => {
    const { path: directory } = scratch;
    const take = async (name: string) => {
      const root = `${box.diskPath}?offset=${started.firstSector * SECTOR}`;
      const file = join(directory, name);
      await $({ quiet: true })`debugfs -R ${`dump /boot/${name}-${started.kernel} ${file}`} ${root}`;
      return file;
    };
    const kernel = await take("vmlinuz");
    const initrd = await take("initrd.img");
    const board = { kernel, initrd, commandLine: started.words, deviceTree: "" };
    const installed = await createBox({ ...it, image: box.diskPath, board, serial: false });
    try {
      await installed.powerOn();
      await welcome(installed);
      expect(await seen.health(installed)).toEqual(seen.HEALTHY);
      expect(await installed.ask("findmnt --noheadings --output SOURCE /")).toBe("/dev/mmcblk0p2");
      expect(await installed.ask("findmnt --noheadings --output SOURCE /boot/efi")).toBe("/dev/mmcblk0p1");
      expect(await installed.ask("cat /proc/cmdline")).toContain("intel_idle.max_cstate=2");
    } finally {
      await installed.destroy();
      await box.destroy();
    }
  });
});

/** The set-up on the screen of a box that was just switched on and has no serial line. */
const welcome = (of: Box) => seen.onScreen(of, "Press Enter to begin", { timeoutMs: 2 * BOOT_MS });

/** Types at the screen, and Enter. */
async function press(text: string): Promise<void> {
  for (const key of [...text, "ret"]) await box.screenKey(key);
}

/** The first sectors of the box's disk, read from outside. */
async function sectors(of: Box, count: number): Promise<Buffer> {
  const file = await open(of.diskPath);
  try {
    const { buffer } = await file.read(Buffer.alloc(count * 512), 0, count * 512, 0);
    return buffer;
  } finally {
    await file.close();
  }
}
