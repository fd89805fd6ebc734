// SPDX-License-Identifier: GPL-3.0-or-later
// The command line of the guest that a profile describes, without side effects. No options give the guest access to
// a network other than a closed lab.
import type { MachineProfile } from "../profile/index.ts";

export type Firmware = MachineProfile["boot"]["firmware"][number];

/** Files of an UEFI firmware. `variables` is written by the guest, so it is a copy of the package's template. */
export interface FirmwareFiles {
  readonly code: string;
  readonly variables: string;
}

/** What the firmware of a board loads from CBOX-BOOT; QEMU loads it instead. */
export interface BoardFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly deviceTree: string;
  readonly commandLine: string;
}

/** A tap only exists together with the namespace it is in: one in the host's own would be an open network. */
export interface TapNetwork {
  readonly namespace: string;
  readonly tap: string;
  readonly mac: string;
}

export interface GuestOptions {
  readonly disk: { readonly path: string; readonly format: "raw" | "qcow2" };
  /** A USB stick that the guest starts from while it is in; for machines with PCI. */
  readonly stick?: { readonly path: string; readonly format: "raw" | "qcow2" };
  /** Without this and without `board` it boots by BIOS. */
  readonly uefi?: FirmwareFiles;
  readonly board?: BoardFiles;
  /** The profile's own figure unless said. */
  readonly memoryMib?: number;
  readonly accelerator: "kvm" | "tcg";
  readonly network: "none" | TapNetwork;
  /**
   * The box's serial port: this terminal (Ctrl-A x leaves), the same with a file that QEMU copies it to, a Unix
   * socket, or no port at all. `isVirtual` connects the socket to a virtio console (hvc0) of a machine without serial
   * ports.
   */
  readonly serial:
    | "terminal"
    | { readonly log: string }
    | "none"
    | { readonly socket: string; readonly isVirtual?: boolean };
  /** Unix socket for QEMU's own control protocol (QMP). */
  readonly control?: string;
  /** Unix socket of a port that is `probePort(profile)` in the guest. */
  readonly probe?: string;
  /** systemd credentials that the guest gets from QEMU; they are not in the image. */
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
    ...board(qemu, options),
    ...disks(qemu.disk, options),
    ...network(qemu, options.network),
    // The screen exists, so that the box has its console there, but no window is opened for it.
    ...screen(qemu.screen),
    ...["-display", "none"],
    ...(hasPci(qemu) ? ["-device", "virtio-rng-pci"] : []),
    ...(qemu.watchdog ? ["-device", qemu.watchdog] : []),
    ...new Array(qemu.serial_port).fill(["-serial", "null"]).flat(),
    ...serial(options.serial),
    ...(options.control ? ["-qmp", `unix:${value(options.control)},server=on,wait=off`] : []),
    ...probe(qemu, options.probe),
    // A board has no SMBIOS: its kernel is told, see board().
    ...(options.board ? [] : Object.entries(options.credentials ?? {}).flatMap(credential)),
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

/** QEMU's models of boards that are built around one chip: what is plugged in goes to USB. */
const hasPci = ({ machine }: GuestProfile["qemu"]) => !machine.startsWith("raspi");

/** Where the probe's port appears in the guest. */
export const probePort = ({ qemu }: GuestProfile) =>
  hasPci(qemu) ? "/dev/virtio-ports/cbox.probe" : "/dev/ttyUSB0";

function board(qemu: GuestProfile["qemu"], { board: files, credentials = {} }: GuestOptions): string[] {
  if (!files) return [];
  // A machine that is no board describes itself to the kernel.
  const deviceTree = hasPci(qemu) ? [] : ["-dtb", files.deviceTree];
  const words = Object.entries(credentials).map(
    ([name, content]) => `systemd.set_credential_binary=${name}:${Buffer.from(content).toString("base64")}`,
  );
  return [
    ...["-kernel", files.kernel, "-initrd", files.initrd, ...deviceTree],
    // QEMU's model of the Raspberry Pi's watchdog does not count: it resets the machine as soon as it is started.
    ...["-append", [files.commandLine, "systemd.watchdog_sec=off", ...words].join(" ")],
  ];
}

function screen(device: string | undefined): string[] {
  if (device === "none") return [];
  return device ? ["-device", device] : ["-vga", "std"];
}

function disks(kind: string, { disk, stick, uefi }: GuestOptions): string[] {
  if (kind === "sd")
    return ["-drive", `if=sd,format=${disk.format},cache=writeback,file=${value(disk.path)}`];
  // With a stick in: the person chose it in the BIOS's menu. UEFI keeps a list of its own, which the guest may change;
  // an order from here would overrule it at each start.
  const order = (place: number) => (stick && uefi ? "" : `,bootindex=${place}`);
  const devices: { readonly [kind: string]: string } = {
    virtio: "virtio-blk-pci,drive=disk",
    ide: "ide-hd,drive=disk,bus=ide.0",
    usb: "usb-storage,drive=disk,bus=usb.0",
  };
  return [
    // writeback: a guest's flush reaches the host's kernel, which outlives the guest however that is killed.
    ...[
      "-drive",
      `if=none,id=disk,format=${disk.format},cache=writeback,discard=unmap,file=${value(disk.path)}`,
    ],
    ...(kind === "usb" ? ["-device", "qemu-xhci,id=usb"] : []),
    // The nearest model to eMMC. No firmware of QEMU reads it, so it is not in the boot order.
    ...(kind === "sdhci"
      ? ["-device", "sdhci-pci", "-device", "sd-card,drive=disk"]
      : ["-device", `${devices[kind]}${order(stick ? 1 : 0)}`]),
    ...(stick
      ? [
          ...["-drive", `if=none,id=stick,format=${stick.format},cache=writeback,file=${value(stick.path)}`],
          ...["-device", "qemu-xhci", "-device", `usb-storage,drive=stick,removable=on${order(0)}`],
        ]
      : []),
  ];
}

function network(qemu: GuestProfile["qemu"], network: GuestOptions["network"]): string[] {
  const device = qemu.network;
  if (network === "none") return ["-nic", "none"];
  return [
    ...["-netdev", `tap,id=lab,ifname=${value(network.tap)},script=no,downscript=no`],
    ...(device.startsWith("usb-") && hasPci(qemu) ? ["-device", "qemu-xhci"] : []),
    ...["-device", `${device},netdev=lab,mac=${network.mac}`],
  ];
}

function serial(port: GuestOptions["serial"]): string[] {
  if (port === "none") return ["-serial", "none", "-monitor", "none"];
  if (port === "terminal") return ["-serial", "mon:stdio"];
  if ("log" in port) {
    // What QEMU makes of "mon:stdio", which has no place for a file.
    const terminal = `stdio,id=serial,mux=on,signal=off,logfile=${value(port.log)}`;
    return ["-chardev", terminal, "-serial", "chardev:serial", "-mon", "chardev=serial,mode=readline"];
  }
  return [
    ...["-chardev", `socket,id=serial,server=on,wait=off,path=${value(port.socket)}`],
    ...(port.isVirtual
      ? ["-device", "virtio-serial-pci,id=consoles", "-device", "virtconsole,chardev=serial,bus=consoles.0"]
      : []),
    ...["-serial", port.isVirtual ? "none" : "chardev:serial", "-monitor", "none"],
  ];
}

function probe(qemu: GuestProfile["qemu"], socket: string | undefined): string[] {
  if (!socket) return [];
  const chardev = ["-chardev", `socket,id=probe,server=on,wait=off,path=${value(socket)}`];
  if (!hasPci(qemu)) return [...chardev, "-device", "usb-serial,chardev=probe"];
  return [
    ...chardev,
    ...["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=probe,name=cbox.probe"],
  ];
}

function credential([name, content]: readonly [string, string]): string[] {
  const encoded = Buffer.from(content).toString("base64");
  return ["-smbios", `type=11,value=io.systemd.credential.binary:${name}=${encoded}`];
}
