// SPDX-License-Identifier: GPL-3.0-or-later
// Each x86 board's own image in the QEMU machine that is nearest to it: its firmware, its processor's limits, its
// disk controller, its consoles and its watchdog. What QEMU has no model of is checked on the image by stage
// "verify".
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { buildCommand } from "../../image/commands/build.ts";
import type { GuestProfile } from "../../image/guest/qemu.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { leases } from "../lab/leases.ts";
import { readAll } from "../lab/readers/index.ts";
import { rootAtConsole } from "./console-shell.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as seen from "./observations.ts";
import { APPLY_MS, answer, begin, WELCOME } from "./set-up-dialogue.ts";
import { type Subject, subject } from "./subject.ts";

let box: Box | undefined;
let lab: Lab | undefined;
let network: Lab | undefined;

afterEach(async () => {
  await box?.destroy();
  box = undefined;
});
afterAll(async () => {
  await lab?.down();
  await network?.down();
});

/** The board's image, built now unless it is there already. */
async function built(profileId: string): Promise<Subject> {
  await buildCommand(profileId, {});
  return subject(profileId);
}

/** The board in another machine than its usual one. */
function inMachine(it: Subject, qemu: Partial<GuestProfile["qemu"]>): Subject {
  return { ...it, profile: { ...it.profile, qemu: { ...it.profile.qemu, ...qemu } } };
}

/** What holds for every box that nobody has touched. */
async function expectFresh(of: Box, { manifest, profile }: Subject): Promise<void> {
  expect(await seen.health(of)).toEqual(seen.HEALTHY);
  expect(await seen.passwords(of)).toEqual([]);
  expect((await seen.openPorts(of)).filter((port) => port !== "udp/68")).toEqual([]);
  expect(await seen.identity(of)).toEqual({
    machineId: expect.stringMatching(/^[0-9a-f]{32}$/),
    hostKeys: [],
  });
  expect(await seen.rootSize(of)).toBeGreaterThan(2 * manifest.disk.partitions.root.size * 512);
  // What growing takes off the boot sector, and some BIOSes insist on, is there again.
  const mark = profile.boot.firmware.includes("bios") ? "80" : "00";
  expect((await of.ask("od -An -tx1 -j446 -N1 /dev/sda")).trim()).toBe(mark);
  expect(await of.ask("cat /proc/cmdline")).toContain(profile.kernel.arguments.join(" "));
  expect(await of.ask("systemctl show --property RuntimeWatchdogUSec --value")).toBe("1min");
  expect(await of.ask(canSuspend)).toMatch(/^s "na?o?"$/);
}

const canSuspend =
  "busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager CanSuspend";

describe("jetway-jbc362f36, on a processor with the features of an N2600", () => {
  test("starts by BIOS with AHCI: prompt on the first serial port, healthy; the second start changes nothing", async () => {
    const it = await built("jetway-jbc362f36");
    box = await createBox({ ...it, firmware: "bios" });
    await box.powerOn();
    await box.expect(WELCOME, { timeoutMs: BOOT_MS });
    await expectFresh(box, it);
    expect(await seen.firmware(box)).toBe("BIOS");
    const flags = (await box.ask("grep -m1 ^flags /proc/cpuinfo")).split(" ");
    expect(flags).toEqual(expect.arrayContaining(["ssse3", "cx16", "movbe", "lm"]));
    for (const missing of ["sse4_1", "sse4_2", "popcnt", "aes", "rdrand", "avx"])
      expect(flags).not.toContain(missing);
    expect(await box.ask("nproc")).toBe("4");
    expect(await box.ask("readlink -f /sys/class/block/sda/device | grep -c /ata")).toBe("1");
    expect(await box.ask("grep -l . /sys/class/watchdog/*/identity")).toContain("watchdog");
    expect(await seen.watchdog(box)).toBeDefined();

    const before = await seen.configuration(box);
    const { machineId } = await seen.identity(box);
    await box.ask("systemctl reboot --no-block");
    await box.expect(/GRUB/, { timeoutMs: BOOT_MS });
    await box.expect(WELCOME, { timeoutMs: BOOT_MS });
    expect((await seen.identity(box)).machineId).toBe(machineId);
    const after = await seen.configuration(box);
    expect(after.filter((line) => !before.includes(line))).toEqual([]);
  });

  test("starts by BIOS in IDE mode: ata_piix finds the root file system", async () => {
    // The i440FX machine's controller is an ata_piix one, as the NM10's is with SATA set to IDE.
    const it = inMachine(await built("jetway-jbc362f36"), { machine: "pc" });
    box = await createBox({ ...it, firmware: "bios" });
    await box.powerOn();
    await box.expect(WELCOME, { timeoutMs: BOOT_MS });
    await expectFresh(box, it);
    expect(await box.ask("basename $(readlink /sys/bus/pci/devices/*:01.1/driver)")).toBe("ata_piix");
    expect(await seen.watchdog(box)).toBe("i6300ESB timer");
  });

  test.each(["efi64", "efi32"] as const)("starts by UEFI, %s", async (firmware) => {
    const it = await built("jetway-jbc362f36");
    box = await createBox({ ...it, firmware });
    await box.powerOn();
    await box.expect(WELCOME, { timeoutMs: BOOT_MS });
    await expectFresh(box, it);
    expect(await seen.firmware(box)).toBe(firmware === "efi64" ? "64" : "32");
  });

  test("shows an error of the boot loader on a processor without 64-bit mode, instead of hanging", async () => {
    const it = inMachine(await built("jetway-jbc362f36"), { cpu: "n270" });
    box = await createBox({ ...it, firmware: "bios" });
    await box.powerOn();
    await box.expect(
      /Community Box cannot start: this computer has no 64-bit mode,\s+or its BIOS hides it\./,
    );
    // The boot loader says so before it loads a kernel.
    expect(box.line.transcript).not.toMatch(/Booting `/);
  });
});

describe("jetway-jbc362f36-i386, on a processor without 64-bit mode", () => {
  const PASSWORD = "cargol groc damunt la teulada";

  test("is set up by typed answers, in the VPN, and reports that it has no contexts; the second start changes nothing", async () => {
    const it = await built("jetway-jbc362f36-i386");
    network = await labUp({ name: "i386test", root: await labRoot(), community: loadCommunity("guifi") });
    const files = { "ca.pem": network.authority() };
    box = await createBox({ ...it, firmware: "bios", lab: network, ownDisk: true, files });
    await box.powerOn();
    await begin(box);
    for (const path of ["language", "timezone"]) await answer(box, `system/${path}`);
    await answer(box, "system/hostname", "can-vell");
    await answer(box, "system/updates");
    await answer(box, "system/owner.name", "anna");
    await answer(box, "system/owner.password", PASSWORD);
    await answer(box, "system/owner.password.repeat", PASSWORD);
    await answer(box, "system/owner.ssh_keys");
    await answer(box, "network/method");
    await answer(box, "member/sign_in", "2");
    await answer(box, "vpn/join", "1");
    for (const path of ["network", "rendezvous", "key"]) await answer(box, `vpn/${path}`);
    await answer(box, "services/serf");
    await answer(box, "services/which");
    await answer(box, "review");
    await box.expect(/Sense contextos: la Debian d'aquesta caixa no te Incus/, { timeoutMs: APPLY_MS });
    await box.expect(/\[done\] Set-up is complete/, { timeoutMs: APPLY_MS });
    expect(box.line.transcript).not.toContain("[contexts/");

    const root = await rootAtConsole(box, "anna", PASSWORD);
    expect(await seen.health(root)).toEqual(seen.HEALTHY);
    expect(await root.ask("uname -m; dpkg --print-architecture; . /etc/os-release; echo $VERSION_ID")).toBe(
      "i686\ni386\n12",
    );
    expect((await root.ask("grep -m1 ^flags /proc/cpuinfo")).split(" ")).not.toContain("lm");
    expect(await seen.firmware(root)).toBe("BIOS");
    expect(await seen.watchdog(root)).toBeDefined();
    expect(await seen.passwords(root)).toEqual(["anna"]);
    expect(await seen.rootSize(root)).toBeGreaterThan(2 * it.manifest.disk.partitions.root.size * 512);
    const states = seen.stepStates(await root.ask("cbox status --json"));
    expect(states).toMatchObject({ vpn: "works", contexts: "off" });
    expect((await readAll(network)).vpn).toEqual([
      expect.objectContaining({ name: "can_vell", reachable: "yes" }),
    ]);
    // Of units and configuration files, by a systemd that is older than they are.
    expect(await root.ask("journalctl -b -o cat | grep -iE 'unknown (key|section)' || true")).toBe("");

    const before = await seen.identity(root);
    // It stays there: a serial line takes minutes for so long a list.
    await root.ask(`${seen.CONFIGURATION} | sort >/var/tmp/before`);
    root.type("systemctl reboot");
    const again = await rootAtConsole(box, "anna", PASSWORD);
    expect(await seen.health(again)).toEqual(seen.HEALTHY);
    expect(await seen.identity(again)).toEqual(before);
    expect(await again.ask(`${seen.CONFIGURATION} | sort | diff /var/tmp/before - || true`)).toBe("");
  });
});

describe("minix-neo-z64, without any serial port, its network on USB", () => {
  test("starts by 32-bit UEFI: prompt on the screen, an address on the cable, healthy", async () => {
    const it = await built("minix-neo-z64");
    lab = await labUp({ name: "boardtest", root: await labRoot(), community: loadCommunity("guifi") });
    box = await createBox({ ...it, firmware: "efi32", serial: false, lab });
    await box.powerOn();
    await expectFresh(box, it);
    expect(await seen.firmware(box)).toBe("32");
    await seen.onScreen(box, "Press Enter to begin");
    await box.screenKey("ret");
    await seen.onScreen(box, "[system/language]");
    const card = await box.ask("ip -o -4 address show scope global");
    expect(card).toMatch(/ inet 10\.139\.40\.\d+\//);
    expect(leases(lab)).toHaveLength(1);
    expect(await box.ask("readlink -f /sys/class/net/*/device | grep -c /usb")).toBe("1");
    expect(await box.ask("modprobe --showconfig | grep axp288")).toContain("blacklist axp288_fuel_gauge");
    expect(await seen.watchdog(box)).toBeDefined();
  });
});

describe("minix-neo-z83-4, without any serial port", () => {
  test("starts by 64-bit UEFI: prompt on the screen, healthy, Wi-Fi settings under every name", async () => {
    const it = await built("minix-neo-z83-4");
    box = await createBox({ ...it, firmware: "efi64", serial: false });
    await box.powerOn();
    await expectFresh(box, it);
    expect(await seen.firmware(box)).toBe("64");
    await seen.onScreen(box, "Press Enter to begin");
    const names = ["NEO Z83-4", "Z83-4", "Z83-4 Pro"];
    const sums = names.map((name) => `"/usr/lib/firmware/brcm/brcmfmac43455-sdio.MINIX-${name}.txt"`);
    const files = (await box.ask(`sha256sum ${sums.join(" ")}`)).split("\n");
    expect(files).toHaveLength(3);
    expect(new Set(files.map((line) => line.split(" ")[0])).size).toBe(1);
    expect(await seen.watchdog(box)).toBeDefined();
  });
});

describe("vm-amd64, in a machine whose only console is virtio", () => {
  test("shows the set-up on hvc0, and its guest agent waits for its channel", async () => {
    box = await createBox({ ...(await built("vm-amd64")), serial: "virtio" });
    await box.powerOn();
    await begin(box);
    await box.expect(/\[system\/language\]/);
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    expect(await box.ask("cat /sys/class/tty/console/active")).toContain("hvc0");
    expect(await box.ask("systemctl show --property LoadState,ActiveState qemu-guest-agent")).toBe(
      "LoadState=loaded\nActiveState=inactive",
    );
  });
});

describe("pc-amd64", () => {
  test("starts by BIOS: prompt on the serial port, healthy, with all that Incus needs for virtual machines", async () => {
    const it = await built("pc-amd64");
    box = await createBox({ ...it, firmware: "bios" });
    await box.powerOn();
    await box.expect(WELCOME, { timeoutMs: BOOT_MS });
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    expect(await seen.passwords(box)).toEqual([]);
    const programs = ["qemu-system-x86_64", "qemu-img", "swtpm", "/usr/libexec/virtiofsd"];
    for (const program of programs) await box.ask(`command -v ${program}`);
    await box.ask("ls /usr/share/OVMF/OVMF_CODE_4M.fd");
  });
});
