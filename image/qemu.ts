// SPDX-License-Identifier: GPL-3.0-or-later
// The command line of the guest a profile describes. Pure: what goes in decides what comes out, and no choice
// of options gives the guest a way to any network but a closed lab.
import type { MachineProfile } from "./profile/index.ts";

export type Firmware = "bios" | "efi64" | "efi32";

/** Files of an UEFI firmware. `variables` is written by the guest, so it is a copy of the package's template. */
export interface FirmwareFiles {
  readonly code: string;
  readonly variables: string;
}

/** A tap only exists together with the namespace it is in: one in the host's own would be an open network. */
export interface TapNetwork {
  readonly namespace: string;
  readonly tap: string;
  readonly mac: string;
}

export interface GuestOptions {
  readonly disk: { readonly path: string; readonly format: "raw" | "qcow2" };
  /** Undefined boots by BIOS. */
  readonly uefi?: FirmwareFiles;
  /** The profile's own figure unless said. */
  readonly memoryMib?: number;
  readonly accelerator: "kvm" | "tcg";
  readonly network: "none" | TapNetwork;
  /** First serial port: this terminal (Ctrl-A x leaves), a Unix socket, or no port in the machine at all. */
  readonly serial: "terminal" | "none" | { readonly socket: string };
  /** Unix socket for QEMU's own control protocol (QMP). */
  readonly control?: string;
  /** Unix socket of a virtio port called `cbox.probe` in the guest. */
  readonly probe?: string;
  /** systemd credentials handed to the guest by SMBIOS; the image knows nothing of them. */
  readonly credentials?: Readonly<Record<string, string>>;
}

export type GuestProfile = Pick<MachineProfile, "qemu">;

/** The whole command, ready to be run as root: program first, inside its network namespace when it has one. */
export function qemuCommand(profile: GuestProfile, options: GuestOptions): string[] {
  const { network } = options;
  return [
    ...(network === "none" ? [] : ["ip", "netns", "exec", network.namespace]),
    `qemu-system-${profile.qemu.system}`,
    ...qemuArguments(profile, options),
  ];
}

export function qemuArguments({ qemu }: GuestProfile, options: GuestOptions): string[] {
  return [
    "-no-user-config",
    "-nodefaults",
    ...machine(qemu.machine, options),
    ...["-cpu", qemu.cpu],
    ...["-smp", qemu.processors ?? "2"],
    ...["-m", `${options.memoryMib ?? qemu.memory_mib}M`],
    ...firmware(options.uefi),
    ...disk(qemu.disk, options.disk),
    ...network(qemu.network, options.network),
    // The screen exists, so that the box has its console there, but no window is opened for it.
    ...["-vga", "std", "-display", "none"],
    ...["-device", "virtio-rng-pci"],
    ...(qemu.watchdog ? ["-device", qemu.watchdog] : []),
    ...serial(options.serial),
    ...(options.control ? ["-qmp", `unix:${value(options.control)},server=on,wait=off`] : []),
    ...probe(options.probe),
    ...Object.entries(options.credentials ?? {}).flatMap(credential),
  ];
}

/** Commas separate QEMU's options; one inside a value is written twice. */
const value = (text: string) => text.replaceAll(",", ",,");

function machine(type: string, { accelerator, uefi }: GuestOptions): string[] {
  // Firmware built for Secure Boot keeps its variables behind system management mode, or it does not start.
  const secure = uefi?.code.includes("secboot") ?? false;
  return [
    ...["-machine", `${type}${secure ? ",smm=on" : ""}`],
    ...["-accel", accelerator === "kvm" ? "kvm" : "tcg,thread=multi"],
    ...(secure ? ["-global", "driver=cfi.pflash01,property=secure,value=on"] : []),
    ...(secure ? ["-global", "ICH9-LPC.disable_s3=1"] : []),
  ];
}

function firmware(files: FirmwareFiles | undefined): string[] {
  if (!files) return [];
  return [
    ...["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${value(files.code)}`],
    ...["-drive", `if=pflash,unit=1,format=raw,file=${value(files.variables)}`],
  ];
}

function disk(kind: string, { path, format }: GuestOptions["disk"]): string[] {
  const device = kind === "virtio" ? "virtio-blk-pci,drive=disk" : "ide-hd,drive=disk,bus=ide.0";
  return [
    // writeback: a guest's flush reaches the host's kernel, which outlives the guest however that is killed.
    ...["-drive", `if=none,id=disk,format=${format},cache=writeback,discard=unmap,file=${value(path)}`],
    ...["-device", `${device},bootindex=0`],
  ];
}

function network(device: string, network: GuestOptions["network"]): string[] {
  if (network === "none") return ["-nic", "none"];
  return [
    ...["-netdev", `tap,id=lab,ifname=${value(network.tap)},script=no,downscript=no`],
    ...(device.startsWith("usb-") ? ["-device", "qemu-xhci"] : []),
    ...["-device", `${device},netdev=lab,mac=${network.mac}`],
  ];
}

function serial(port: GuestOptions["serial"]): string[] {
  if (port === "none") return ["-serial", "none", "-monitor", "none"];
  if (port === "terminal") return ["-serial", "mon:stdio"];
  return [
    ...["-chardev", `socket,id=serial,server=on,wait=off,path=${value(port.socket)}`],
    ...["-serial", "chardev:serial", "-monitor", "none"],
  ];
}

function probe(socket: string | undefined): string[] {
  if (!socket) return [];
  return [
    ...["-chardev", `socket,id=probe,server=on,wait=off,path=${value(socket)}`],
    ...["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=probe,name=cbox.probe"],
  ];
}

function credential([name, content]: readonly [string, string]): string[] {
  const encoded = Buffer.from(content).toString("base64");
  return ["-smbios", `type=11,value=io.systemd.credential.binary:${name}=${encoded}`];
}
