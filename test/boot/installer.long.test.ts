// SPDX-License-Identifier: GPL-3.0-or-later
// From a USB stick to an empty disk: by hand, with the power cut in the middle of the copy, on a BIOS; and by
// answers.yaml on UEFI, where the box finds its new disk without anybody taking the stick out.
import { open } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as seen from "./observations.ts";
import { subject } from "./subject.ts";
import { answer, begin, WELCOME } from "./walk.ts";

/** A stick is slow, and all of it is emulated. */
const COPY_MS = 600_000;
const STICK_MIB = 4096;
const DISK_MIB = 8192;
const MIB = 1024 * 1024;

let box: Box;

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await box?.destroy();
});

describe("vm-amd64 BIOS, started from a USB stick beside an empty disk", () => {
  let stickId: string;

  test("offers to install, says what would be lost, and wants the disk's name", async () => {
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

  test("a power cut during the copy leaves a disk that starts nothing, and a stick that goes on", async () => {
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
  test("installs without a key pressed, restarts from the disk, and goes on there", async () => {
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
