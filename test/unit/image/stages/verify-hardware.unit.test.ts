// SPDX-License-Identifier: GPL-3.0-or-later
// Static hardware checks: what claims a device, and the sentence for what it lacks.
import { describe, expect, it } from "vitest";
import { listProfiles, resolveProfile } from "../../../../image/profile/index.ts";
import { aliasPattern, type Kernel, lackingModule } from "../../../../image/stages/verify-hardware.ts";

const kernel: Kernel = {
  release: "6.12",
  aliases: [
    ["pci:v000010ECd00008168sv*sd*bc*sc*i*", "r8169"],
    ["pci:v*d*sv*sd*bc01sc06i01*", "ahci"],
    ["pci:v00008086d000027C0sv*sd*bc*sc*i*", "ata_piix"],
  ],
  builtin: new Set(["sdhci_acpi"]),
  initrd: new Set(["ahci"]),
};

describe("the modalias pattern of a device id", () => {
  it.each([
    ["pci:10ec:8168", "pci:v000010ECd00008168sv*sd*bc*sc*i*", true],
    ["pci:10ec:8168", "pci:v000010ECd00008169sv*sd*bc*sc*i*", false],
    ["pci:8086:24fd", "pci:v00008086d000024FDsv*sd00009074bc*sc*i*", true],
    // A driver for a class claims a device only when the id says that it is of that class.
    ["pci:8086:27c1", "pci:v*d*sv*sd*bc01sc06i01*", false],
    ["pci:8086:27c1:010601", "pci:v*d*sv*sd*bc01sc06i01*", true],
    ["pci:8086:27c1:010602", "pci:v*d*sv*sd*bc01sc06i01*", false],
    ["pci:8086:1229:020000", "pci:v00008086d00001229sv*sd*bc02sc00i*", true],
    ["usb:0bda:8152", "usb:v0BDAp8152d*dc*dsc*dp*ic*isc*ip*in*", true],
    ["usb:0951:1666:080650", "usb:v*p*d*dc*dsc*dp*ic08isc06ip50in*", true],
    ["usb:0951:1666:080662", "usb:v*p*d*dc*dsc*dp*ic08isc06ip50in*", false],
    ["sdio:024c:b723", "sdio:c*v024CdB723*", true],
    ["acpi:80860F14", "acpi*:80860F14:*", true],
    ["acpi:OBDA8723", "acpi*:OBDA8724:*", false],
    ["virtio:18", "virtio:d00000012v*", true],
    ["of:brcm,bcm2711-emmc2", "of:N*T*Cbrcm,bcm2711-emmc2", true],
    ["of:brcm,bcm2711-emmc2", "of:N*T*Cbrcm,bcm2711-emmc2C*", true],
    ["of:brcm,bcm2711", "of:N*T*Cbrcm,bcm2711-emmc2", false],
    ["platform:iTCO_wdt", "platform:iTCO_wdt", true],
    ["platform:iTCO", "platform:iTCO_wdt", false],
  ])("matches an alias: %s, %s, %s", (id, alias, claimed) => {
    expect(aliasPattern(id).test(alias)).toBe(claimed);
  });
});

describe("the report of a device lacks", () => {
  const lack = (id: string, module: string, root = false) =>
    lackingModule({ name: "thing", id, module, root }, kernel, "linux-image-amd64");

  it("nothing when the module claims the device", () => {
    expect(lack("pci:10ec:8168", "r8169")).toEqual([]);
    expect(lack("pci:8086:27c1:010601", "ahci", true)).toEqual([]);
    expect(lack("acpi:80860F14", "sdhci_acpi", true)).toEqual([]);
  });

  it("a module that claims the device, with the name of one that does", () => {
    expect(lack("usb:0bda:8152", "r8152")).toEqual([
      "thing (usb:0bda:8152): no module r8152 of the kernel 6.12 claims it; the package linux-image-amd64 should have it",
    ]);
    expect(lack("pci:10ec:8168", "r8168")).toEqual([
      "thing (pci:10ec:8168): no module r8168 of the kernel 6.12 claims it; it would be driven by r8169; the package linux-image-amd64 should have it",
    ]);
  });

  it("a module in the initrd", () => {
    expect(lack("pci:8086:27c0", "ata_piix", true)).toEqual([
      "thing (pci:8086:27c0): the module ata_piix is not in the initrd, so the root file system behind it is not found; add it to kernel.initramfs_modules",
    ]);
    expect(lack("pci:8086:27c0", "ata_piix")).toEqual([]);
  });
});

it("a missing firmware file of a profile is reported with the package to add", () => {
  const nameless = listProfiles()
    .filter(({ abstract, problem }) => !abstract && !problem)
    .flatMap(({ id }) =>
      resolveProfile(id).hardware.devices.map((device) => ({ where: `${id}: ${device.name}`, ...device })),
    )
    .filter((device) => device.firmware && !device.package)
    .map(({ where }) => where);
  expect(nameless).toEqual([]);
});
