// SPDX-License-Identifier: GPL-3.0-or-later
// The guest's command line: whatever is asked for, it has no way to an open network.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findFirmware } from "../../../../image/guest/firmware.ts";
import {
  type GuestOptions,
  type GuestProfile,
  qemuArguments,
  qemuCommand,
} from "../../../../image/guest/qemu.ts";

const profile: GuestProfile = {
  qemu: {
    system: "x86_64",
    machine: "q35",
    cpu: "max",
    memory_mib: 1024,
    disk: "virtio",
    network: "virtio-net-pci",
    serial_port: 0,
  },
};
const plain: GuestOptions = {
  disk: { path: "/d/disk.qcow2", format: "qcow2" },
  accelerator: "tcg",
  network: "none",
  serial: "terminal",
};
const tap = { namespace: "cboxlab-lab-switch", tap: "box-1", mac: "52:54:00:01:02:03" };

/** The values given to one option. */
function given(name: string, options: Partial<GuestOptions> = {}, of: GuestProfile = profile): string[] {
  const words = qemuArguments(of, { ...plain, ...options });
  return words.filter((_, index) => words[index - 1] === name);
}

const anyOptions = fc.record(
  {
    disk: fc.record({
      path: fc.string({ minLength: 1 }),
      format: fc.constantFrom("raw" as const, "qcow2" as const),
    }),
    uefi: fc.record({ code: fc.string(), variables: fc.string() }),
    memoryMib: fc.integer({ min: 1 }),
    accelerator: fc.constantFrom("kvm" as const, "tcg" as const),
    network: fc.constantFrom("none" as const, tap),
    serial: fc.oneof(
      fc.constantFrom("terminal" as const, "none" as const),
      fc.record({ socket: fc.string() }),
      fc.record({ log: fc.string() }),
    ),
    control: fc.string({ minLength: 1 }),
    probe: fc.string({ minLength: 1 }),
    credentials: fc.dictionary(fc.string(), fc.string()),
  },
  { requiredKeys: ["disk", "accelerator", "network", "serial"] },
);

describe("the network of a guest", () => {
  test("is never open, with any combination of options", () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        const words = qemuArguments(profile, options);
        const nets = words.filter((_, index) => /^-(nic|netdev|net)$/.test(words[index - 1] ?? ""));
        expect(nets).toEqual([
          options.network === "none" ? "none" : "tap,id=lab,ifname=box-1,script=no,downscript=no",
        ]);
        // Without these two QEMU adds a network card of its own, or reads one from a file.
        expect(words.slice(0, 2)).toEqual(["-no-user-config", "-nodefaults"]);
        const command = qemuCommand(profile, options);
        expect(command.slice(0, 4).join(" ") === "ip netns exec cboxlab-lab-switch").toBe(
          options.network !== "none",
        );
      }),
    );
  });

  test("by a tap has the profile's card with the given address", () => {
    expect(given("-device", { network: tap })).toContain("virtio-net-pci,netdev=lab,mac=52:54:00:01:02:03");
    expect(given("-nic", { network: tap })).toEqual([]);
  });
});

describe("the machine of a guest", () => {
  test("has the profile's memory unless another size is given", () => {
    expect(given("-m")).toEqual(["1024M"]);
    expect(given("-m", { memoryMib: 512 })).toEqual(["512M"]);
  });

  test("boots by BIOS when no firmware is given", () => {
    expect(given("-drive")).toEqual([
      "if=none,id=disk,format=qcow2,cache=writeback,discard=unmap,file=/d/disk.qcow2",
    ]);
    expect(given("-machine")).toEqual(["q35"]);
  });

  test("has UEFI code that is read-only, and variables that are not", () => {
    const drives = given("-drive", { uefi: { code: "/f/CODE.fd", variables: "/d/vars.fd" } });
    expect(drives[0]).toBe("if=pflash,unit=0,format=raw,readonly=on,file=/f/CODE.fd");
    expect(drives[1]).toBe("if=pflash,unit=1,format=raw,file=/d/vars.fd");
  });

  test("has the system management mode that firmware for Secure Boot requires", () => {
    const uefi = { code: "/f/OVMF32_CODE_4M.secboot.fd", variables: "/d/vars.fd" };
    expect(given("-machine", { uefi })).toEqual(["q35,smm=on"]);
    expect(given("-global", { uefi })).toContain("driver=cfi.pflash01,property=secure,value=on");
  });

  test("has an IDE disk on IDE, not on virtio", () => {
    const ide: GuestProfile = { qemu: { ...profile.qemu, disk: "ide" } };
    expect(given("-device", {}, ide)).toContain("ide-hd,drive=disk,bus=ide.0,bootindex=0");
    expect(given("-device", {}, ide).join()).not.toContain("virtio-blk");
  });

  test("has no boot index for a card on a controller whose firmware does not read cards", () => {
    const card: GuestProfile = { qemu: { ...profile.qemu, disk: "sdhci" } };
    const devices = given("-device", {}, card);
    expect(devices).toEqual(expect.arrayContaining(["sdhci-pci", "sd-card,drive=disk"]));
    expect(devices.join()).not.toContain("bootindex");
  });

  test("has two processors, or the board's number, and the board's watchdog", () => {
    expect(given("-smp")).toEqual(["2"]);
    const board: GuestProfile = {
      qemu: { ...profile.qemu, processors: "4,cores=2,threads=2", watchdog: "i6300esb" },
    };
    expect(given("-smp", {}, board)).toEqual(["4,cores=2,threads=2"]);
    expect(given("-device", {}, board)).toContain("i6300esb");
    expect(given("-device").join()).not.toContain("i6300esb");
  });

  test("has a USB controller before a USB network card", () => {
    const board: GuestProfile = { qemu: { ...profile.qemu, network: "usb-net" } };
    const devices = given("-device", { network: tap }, board);
    expect(devices.indexOf("qemu-xhci")).toBeGreaterThan(-1);
    expect(devices.indexOf("qemu-xhci")).toBeLessThan(
      devices.indexOf("usb-net,netdev=lab,mac=52:54:00:01:02:03"),
    );
    expect(given("-device", { network: tap })).not.toContain("qemu-xhci");
  });

  test("tries a stick first with a BIOS, while UEFI uses its own list; nothing changes without one", () => {
    const stick = { path: "/d/stick.img", format: "raw" as const };
    const usb = "usb-storage,drive=stick,removable=on";
    const devices = given("-device", { stick });
    expect(devices).toEqual(
      expect.arrayContaining(["qemu-xhci", `${usb},bootindex=0`, "virtio-blk-pci,drive=disk,bootindex=1"]),
    );
    const uefi = { code: "/f/CODE.fd", variables: "/d/vars.fd" };
    expect(given("-device", { stick, uefi })).toEqual(
      expect.arrayContaining([usb, "virtio-blk-pci,drive=disk"]),
    );
    expect(given("-device")).toContain("virtio-blk-pci,drive=disk,bootindex=0");
    expect(given("-device").join()).not.toContain("usb");
  });

  test("has a path with a comma escaped in its option", () => {
    const disk = { path: "/d/a,readonly=on", format: "raw" as const };
    expect(given("-drive", { disk })[0]).toContain("file=/d/a,,readonly=on");
  });
});

describe("the consoles of a guest", () => {
  test("offer the serial port as this terminal, as a socket or not at all, and always the screen", () => {
    expect(given("-serial")).toEqual(["mon:stdio"]);
    const serial = { log: "/d/a,b.log" };
    expect(given("-chardev", { serial })).toEqual(["stdio,id=serial,mux=on,signal=off,logfile=/d/a,,b.log"]);
    expect([...given("-serial", { serial }), ...given("-mon", { serial })]).toEqual([
      ...["chardev:serial", "chardev=serial,mode=readline"],
    ]);
    expect(given("-serial", { serial: "none" })).toEqual(["none"]);
    expect(given("-serial", { serial: { socket: "/d/s" } })).toEqual(["chardev:serial"]);
    expect(given("-chardev", { serial: { socket: "/d/s" } })).toEqual([
      "socket,id=serial,server=on,wait=off,path=/d/s",
    ]);
    const virtual = { serial: { socket: "/d/s", isVirtual: true } };
    expect(given("-serial", virtual)).toEqual(["none"]);
    expect(given("-device", virtual)).toContain("virtconsole,chardev=serial,bus=consoles.0");
    for (const serial of ["terminal", "none"] as const) {
      expect(given("-vga", { serial })).toEqual(["std"]);
      expect(given("-display", { serial })).toEqual(["none"]);
    }
  });

  test("pass credentials as base64, so that no character has a meaning to QEMU", () => {
    expect(given("-smbios", { credentials: { "a.b": "x,value=y\n" } })).toEqual([
      `type=11,value=io.systemd.credential.binary:a.b=${Buffer.from("x,value=y\n").toString("base64")}`,
    ]);
  });
});

describe("finding firmware files", () => {
  const among =
    (...paths: string[]) =>
    (path: string) =>
      paths.includes(path);

  test("prefers the plain build to the one for Secure Boot", () => {
    const all = among(
      "/usr/share/OVMF/OVMF32_CODE_4M.fd",
      "/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd",
      "/usr/share/OVMF/OVMF32_VARS_4M.fd",
    );
    expect(findFirmware("efi32", all)?.code).toBe("/usr/share/OVMF/OVMF32_CODE_4M.fd");
  });

  test("ignores code without its variables file", () => {
    expect(findFirmware("efi64", among("/usr/share/OVMF/OVMF_CODE_4M.fd"))).toBeUndefined();
  });
});
