// SPDX-License-Identifier: GPL-3.0-or-later
// The image for ARM virtual machines in QEMU's -M virt with Debian's UEFI, from GRUB to the set-up, without a
// network.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCommand } from "../../image/commands/build.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as seen from "./observations.ts";
import { WELCOME } from "./set-up-dialogue.ts";
import { type Subject, subject } from "./subject.ts";

const SLOW_MS = 2 * BOOT_MS;
/** Its programs are emulated while the image is made. */
const COLD_BUILD_MS = 3_600_000;
const MIB = 1024 * 1024;

let box: Box;
let it: Subject;

beforeAll(async () => {
  await buildCommand("vm-arm64", {});
  it = await subject("vm-arm64");
  box = await createBox({ ...it, firmware: "efi64" });
  await box.powerOn();
}, COLD_BUILD_MS);

afterAll(async () => {
  await box?.destroy();
});

describe("vm-arm64 by UEFI", () => {
  test("shows the set-up on the serial console, and is healthy", async () => {
    await box.expect(WELCOME, { timeoutMs: SLOW_MS });
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    expect(await box.ask("uname -m; cat /sys/firmware/efi/fw_platform_size")).toBe("aarch64\n64");
  });

  test("has no account to log in with, nothing that listens, and an extended root", async () => {
    expect(await seen.passwords(box)).toEqual([]);
    expect(await seen.openPorts(box)).toEqual([]);
    expect(await seen.rootSize(box)).toBeGreaterThan(2 * it.manifest.disk.partitions.root.size * 512);
    expect(await seen.unclaimedSpace(box)).toBeGreaterThan(1024 * MIB);
  });

  test("changes nothing at the second start", async () => {
    const before = { identity: await seen.identity(box), files: await seen.configuration(box) };
    expect(before.identity.hostKeys).toEqual([]);
    await box.ask("systemctl reboot");
    await box.expect(WELCOME, { timeoutMs: SLOW_MS });
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    expect(await seen.identity(box)).toEqual(before.identity);
    expect(await seen.configuration(box)).toEqual(before.files);
  });
});
