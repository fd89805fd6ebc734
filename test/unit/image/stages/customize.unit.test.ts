// SPDX-License-Identifier: GPL-3.0-or-later
// What templates of overlays are told.
import { describe, expect, it } from "vitest";
import { mountUnit } from "../../../../image/stages/customize.ts";

describe("the unit that mounts CBOX-BOOT", () => {
  it.each([
    ["/boot/efi", "boot-efi.mount"],
    ["/boot", "boot.mount"],
    ["/srv/my-boot", "srv-my\\x2dboot.mount"],
  ])("of %s is called %s, as systemd-escape says", (path, unit) => {
    expect(mountUnit(path)).toBe(unit);
  });
});
