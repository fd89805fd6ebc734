// SPDX-License-Identifier: GPL-3.0-or-later
// What `cbox boot` understands of its options.
import { describe, expect, test } from "vitest";
import { readMachine } from "../../../../image/commands/boot.ts";
import { machineOf, resolveProfile } from "../../../../image/profile/index.ts";

const profile = machineOf(resolveProfile("vm-amd64"));

describe("readMachine", () => {
  test("takes the profile's first firmware and memory and a disk of 8 GiB without options", () => {
    expect(readMachine(profile, {})).toEqual({ firmware: "bios", memoryMib: 1024, diskMib: 8192 });
  });

  test("takes the options that were given", () => {
    expect(readMachine(profile, { firmware: "efi32", memory: "2G", disk: "32G" })).toEqual({
      firmware: "efi32",
      memoryMib: 2048,
      diskMib: 32768,
    });
  });

  test.each(["sd", "sdhci"] as const)(
    "gives a card (%s) the size of a card: the next power of two",
    (disk) => {
      const board = { ...profile, qemu: { ...profile.qemu, disk } };
      expect(readMachine(board, { disk: "5G" }).diskMib).toBe(8192);
      expect(readMachine(profile, { disk: "5G" }).diskMib).toBe(5120);
    },
  );

  test("refuses firmware that the profile does not boot from", () => {
    const biosOnly = { ...profile, boot: { ...profile.boot, firmware: ["bios"] as const } };
    expect(() => readMachine(biosOnly, { firmware: "efi64" })).toThrow(
      expect.objectContaining({ code: "firmware-unsupported", hint: "--firmware bios" }),
    );
  });

  test("names the option whose size is not valid", () => {
    expect(() => readMachine(profile, { memory: "lots" })).toThrow(
      expect.objectContaining({ code: "size-invalid", hint: "--memory 8G" }),
    );
  });
});
