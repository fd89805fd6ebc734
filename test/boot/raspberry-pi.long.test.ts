// SPDX-License-Identifier: GPL-3.0-or-later
// The image for Raspberry Pi boards in QEMU's model of a Pi 3, with the device tree, the kernel, the initrd and the
// command line that the board's firmware would take from the finished CBOX-BOOT. On the mini-UART, without a network.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCommand } from "../../image/commands/build.ts";
import { sha256 } from "../../image/host/sha256.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as seen from "./observations.ts";
import { WELCOME } from "./set-up-dialogue.ts";
import { type Subject, subject } from "./subject.ts";

/** Four emulated ARM cores on whatever this machine has. */
const SLOW_MS = 2 * BOOT_MS;
/** Its programs are emulated while the image is made. */
const COLD_BUILD_MS = 3_600_000;
const MIB = 1024 * 1024;

let box: Box;
let it: Subject;
let first: { identity: seen.Identity; files: string[] };

beforeAll(async () => {
  await buildCommand("raspberry-pi", {});
  it = await subject("raspberry-pi");
  box = await createBox({ ...it });
  await box.powerOn();
}, COLD_BUILD_MS);

afterAll(async () => {
  await box?.destroy();
});

describe("raspberry-pi on a Pi 3", () => {
  test("shows the set-up on the mini-UART and on the screen", async () => {
    await box.expect(WELCOME, { timeoutMs: SLOW_MS });
    expect(await box.ask("tr -d '\\0' </proc/device-tree/model", { timeoutMs: SLOW_MS })).toBe(
      "Raspberry Pi 3 Model B",
    );
    expect(await box.ask("cat /dev/vcs1")).toMatch(/Community Box set-up.*Press Enter to begin/s);
    expect(await box.ask("cat /sys/class/tty/console/active")).toBe("tty0 ttyS1");
  });

  test("starts healthy", async () => {
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
  });

  test("has no account to log in with, nothing that listens, and no SSH host key", async () => {
    expect(await seen.passwords(box)).toEqual([]);
    expect(await seen.openPorts(box)).toEqual([]);
    const identity = await seen.identity(box);
    expect(identity).toEqual({ machineId: expect.stringMatching(/^[0-9a-f]{32}$/), hostKeys: [] });
  });

  test("has extended its root, left space for data, and kept a partition table that the boot ROM reads", async () => {
    const { root, boot } = it.manifest.disk.partitions;
    expect(await seen.rootSize(box)).toBeGreaterThan(2 * root.size * 512);
    expect(await seen.unclaimedSpace(box)).toBeGreaterThan(1024 * MIB);
    // First entry of the MBR: type and first sector.
    const entry = await box.ask("od -An -tx1 -j450 -N1 /dev/mmcblk0; od -An -tu4 -j454 -N4 /dev/mmcblk0");
    expect(entry.split(/\s+/).filter(Boolean)).toEqual(["0c", String(boot.start)]);
  });

  test("has CBOX-BOOT where kernel updates are written, a watchdog, and what contexts need", async () => {
    expect(await box.ask("ls /boot/firmware/config.txt && findmnt -no LABEL /boot/firmware")).toMatch(
      /config\.txt\nCBOX-BOOT$/,
    );
    expect(await box.ask("cat /sys/class/watchdog/watchdog0/identity")).toBe(
      "Broadcom BCM2835 Watchdog timer",
    );
    expect(await box.ask("cat /sys/fs/cgroup/cgroup.controllers")).toContain("memory");
  });
});

describe("raspberry-pi on a Pi 3: the second start", () => {
  test("changes nothing, and asks again what nobody has answered", async () => {
    first = { identity: await seen.identity(box), files: await seen.configuration(box) };
    // QEMU's watchdog, which the reboot goes by, resets at once instead of counting.
    await box.ask("sync && systemctl reboot");
    await box.expect(WELCOME, { timeoutMs: SLOW_MS });
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    expect(await seen.identity(box)).toEqual(first.identity);
    expect(await seen.configuration(box)).toEqual(first.files);
    box.key("enter");
    await box.expect(/\[system\/language\]/);
  });

  test("leaves the image unchanged", async () => {
    expect(await sha256(it.image)).toBe(it.manifest.image.raw_sha256);
  });
});
