// SPDX-License-Identifier: GPL-3.0-or-later
// The one image on other firmware, with the screen as its only console, and without a network. UEFI with 64 bits is
// in refused.boot.
import { afterEach, describe, expect, test } from "vitest";
import { sha256 } from "../../image/host/sha256.ts";
import { type Box, createBox } from "./harness.ts";
import * as seen from "./observations.ts";
import { subject } from "./subject.ts";

let box: Box | undefined;

afterEach(async () => {
  await box?.destroy();
  box = undefined;
});

describe("vm-amd64 without a network", () => {
  test("starts by UEFI 32-bit without a serial port, begins by a key on the screen, and asks for its keyboard", async () => {
    const it = await subject("vm-amd64");
    box = await createBox({ ...it, firmware: "efi32", serial: false });
    await box.powerOn();
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    expect(await box.ask("cat /sys/firmware/efi/fw_platform_size")).toBe("32");
    expect(await box.ask("systemctl is-active cbox-firstboot.service")).toBe("active");
    await seen.onScreen(box, "Press Enter to begin");
    await box.screenKey("ret");
    await seen.onScreen(box, "[system/language]");
    await box.screenKey("ret");
    await seen.onScreen(box, "[system/keyboard]");
    expect(await seen.keyTop(box, 16)).toBe("q");
    // The fourth of the community's: French.
    for (const key of ["4", "ret"]) await box.screenKey(key);
    await seen.onScreen(box, "[system/timezone]");
    await box.screenKey("q");
    await seen.onScreen(box, "> a");
  });

  test("leaves the image unchanged", async () => {
    const { image, manifest } = await subject("vm-amd64");
    expect(await sha256(image)).toBe(manifest.image.raw_sha256);
  });
});
