// SPDX-License-Identifier: GPL-3.0-or-later
// A box to test with: the real image in QEMU, its power switch, its serial line, its screen, and a root shell for
// assertions. Everything is waited for by what happens, with limits that allow for an emulated processor.
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type BootPartition, bootPartition } from "../../image/disk/boot-partition.ts";
import { boardFiles } from "../../image/guest/board-files.ts";
import {
  copiedDisk,
  DEFAULT_DISK_MIB,
  emptyDisk,
  type GuestDisk,
  overlayDisk,
} from "../../image/guest/disk.ts";
import { prepareFirmware } from "../../image/guest/firmware.ts";
import { accelerator, type Guest, startGuest } from "../../image/guest/guest.ts";
import { EMULATION_SENTENCE, kernelPanics } from "../../image/guest/kernel-panic.ts";
import {
  type BoardFiles,
  type Firmware,
  type GuestOptions,
  type GuestProfile,
  probePort,
} from "../../image/guest/qemu.ts";
import { Qmp } from "../../image/guest/qmp.ts";
import { makeScratch } from "../../image/host/scratch.ts";
import { connectWhenOpen } from "../../image/host/sockets.ts";
import type { Lab } from "../lab/lab.ts";
import { Probe, probeCredentials, type ShellResult } from "./probe.ts";
import { type Key, SerialLine, type Terminal } from "./serial-line.ts";

/** Limits in milliseconds, for a processor that is emulated, on a machine whose other processes may have most of it. */
export const BOOT_MS = 600_000;
const ANSWER_MS = 180_000;

export interface BoxOptions {
  /** Raw image; it is only read. */
  readonly image: string;
  readonly profile: GuestProfile;
  readonly firmware?: Firmware;
  /** What is started without any firmware; a board without one takes it from its CBOX-BOOT unless said. */
  readonly board?: BoardFiles;
  readonly memoryMib?: number;
  readonly diskMib?: number;
  /** Plugs the box into a lab; without one it has no network. */
  readonly lab?: Lab;
  /** Name at the lab's switch; decides the address of the network card. */
  readonly name?: string;
  /** A disk that can be looked into and written to from outside, instead of an overlay. */
  readonly ownDisk?: boolean;
  /** The image is on a USB stick, and the box has an empty disk of this size beside it. */
  readonly emptyDiskMib?: number;
  /** Put on the partition CBOX-BOOT before it is first switched on, by name; needs `ownDisk`. */
  readonly files?: Readonly<Record<string, string>>;
  /** False: a machine without any serial port; "virtio": without one, but with a virtio console. */
  readonly serial?: boolean | "virtio";
  readonly terminal?: Terminal;
}

type DiskKind = GuestProfile["qemu"]["disk"];

export interface Box {
  readonly line: SerialLine;
  powerOn(): Promise<void>;
  /** Cuts the power: what the guest had not written to its disk is lost. */
  cutPower(): Promise<void>;
  /** Waits until the guest has switched itself off. */
  poweredOff(timeoutMs?: number): Promise<void>;
  /** Takes the USB stick out of a box that is switched off; it has its own disk from then on, attached like this. */
  pullStick(as?: DiskKind): void;
  /** Presses the reset button. */
  reset(): Promise<void>;
  expect(pattern: RegExp, options?: { readonly timeoutMs?: number }): Promise<RegExpExecArray>;
  type(line: string): void;
  key(key: Key): void;
  /** Runs a command as root, without a trace in the image. */
  shell(command: string, options?: { readonly timeoutMs?: number }): Promise<ShellResult>;
  /** The same for a command that has to succeed; returns what it printed. */
  ask(command: string, options?: { readonly timeoutMs?: number }): Promise<string>;
  /** Presses a key at the screen, by QEMU's name for it, such as `ret` or `down`. */
  screenKey(name: string): Promise<void>;
  /** A picture of the screen, as a PPM file at this path. */
  screenshot(path: string): Promise<void>;
  /** The partition CBOX-BOOT of a box with `ownDisk` that is switched off; of its stick while that is in. */
  bootPartition(): Promise<BootPartition>;
  /** The disk that the box is given; the empty one beside a stick. */
  readonly diskPath: string;
  /** Switches off and removes everything. */
  destroy(): Promise<void>;
}

export async function createBox(options: BoxOptions): Promise<Box> {
  const { image, profile, firmware = "bios", diskMib = DEFAULT_DISK_MIB, lab, name = "box" } = options;
  const scratch = makeScratch();
  const file = (base: string) => join(scratch.path, base);
  const written: GuestDisk = options.ownDisk
    ? await copiedDisk(image, diskMib, file("image.img"))
    : await overlayDisk(image, diskMib, file("image.qcow2"));
  const isStick = options.emptyDiskMib !== undefined;
  const disk = isStick ? await emptyDisk(options.emptyDiskMib ?? 0, file("disk.img")) : written;
  let stick = isStick ? written : undefined;
  const openBootPartition = () => {
    const disk = stick ?? machine.disk;
    if (disk.format !== "raw") complain("Only a box with a disk of its own can be looked into.");
    return bootPartition(disk.path);
  };
  const uefi = await prepareFirmware(profile, firmware, scratch.path);
  const board = options.board ?? (await boardFiles(profile, image, scratch.path));
  let { disk: kind } = profile.qemu;
  const machine: GuestOptions = {
    disk,
    ...(uefi ? { uefi } : {}),
    ...(board ? { board } : {}),
    ...(options.memoryMib ? { memoryMib: options.memoryMib } : {}),
    accelerator: await accelerator(profile),
    network: lab ? await lab.attach(name) : "none",
    serial:
      options.serial === false ? "none" : { socket: file("serial"), isVirtual: options.serial === "virtio" },
    control: file("control"),
    probe: file("probe"),
    credentials: probeCredentials(probePort(profile)),
  };
  for (const [base, content] of Object.entries(options.files ?? {}))
    await (await openBootPartition()).put(base, content);
  const line = new SerialLine();
  line.terminal = options.terminal ?? "dumb";
  let running: { guest: Guest; probe: Probe; qmp: Qmp } | undefined;
  const reset = () => {
    console.warn(`${name}: ${EMULATION_SENTENCE}`);
    void running?.qmp.execute("system_reset");
  };

  const on = () => running ?? complain("The box is switched off.");
  const off = () => running && complain("The box is switched on.");

  const powerOn = async () => {
    off();
    for (const socket of ["serial", "control", "probe"]) rmSync(file(socket), { force: true });
    const log = openSync(file("qemu.log"), "w");
    const guest = await startGuest(
      { qemu: { ...profile.qemu, disk: kind } },
      { ...machine, ...(stick ? { stick } : {}) },
      { stdio: ["ignore", log, log] },
    );
    closeSync(log);
    const dead = new AbortController();
    let panic: string | undefined;
    void guest.ended.then(({ code, signal }) => {
      const said = readFileSync(file("qemu.log"), "utf8").trim();
      running = undefined;
      const end = panic ?? `the machine ended with ${signal ?? `code ${code}`} ${said}`.trimEnd();
      line.disconnect(end);
      dead.abort(new Error(end));
    });
    if (machine.serial !== "none") {
      const wire = await connectWhenOpen(file("serial"), dead.signal);
      line.connect(wire, wire);
      // It is switched off, since waiting for it would last until the limit.
      const other = (said: string) => {
        panic = said;
        void guest.kill();
      };
      const isEmulated = machine.accelerator === "tcg";
      wire.on("data", kernelPanics({ other, ...(isEmulated ? { reset } : {}) }));
    }
    const probe = new Probe(await connectWhenOpen(file("probe"), dead.signal));
    const qmp = new Qmp(await connectWhenOpen(file("control"), dead.signal));
    running = { guest, probe, qmp };
  };

  const shell: Box["shell"] = (command, { timeoutMs = ANSWER_MS } = {}) =>
    on()
      .probe.run(command, timeoutMs)
      .catch((error: Error) => complain(`${error.message}\nIts serial line ends with:\n${line.tail}`));

  return {
    line,
    powerOn,
    shell,
    diskPath: disk.path,
    async cutPower() {
      await running?.guest.kill();
    },
    async poweredOff(timeoutMs = ANSWER_MS) {
      const { guest } = on();
      const timer = setTimeout(() => void guest.kill(), timeoutMs);
      const { signal } = await guest.ended;
      clearTimeout(timer);
      if (signal) complain(`The box did not switch itself off within ${timeoutMs / 1000} s.`);
    },
    pullStick(as = kind) {
      off();
      stick = undefined;
      kind = as;
    },
    async reset() {
      await on().qmp.execute("system_reset");
    },
    expect: (pattern, { timeoutMs = ANSWER_MS } = {}) => line.expect(pattern, { timeoutMs }),
    type: (text) => line.type(text),
    key: (key) => line.key(key),
    async ask(command, limits) {
      const { code, stdout, stderr } = await shell(command, limits);
      return code === 0
        ? stdout.trimEnd()
        : complain(`On the box, code ${code}: ${command}\n${stdout}${stderr}`);
    },
    async screenKey(key) {
      await on().qmp.execute("send-key", { keys: [{ type: "qcode", data: key }] });
    },
    async screenshot(path) {
      await on().qmp.execute("screendump", { filename: path });
    },
    async bootPartition() {
      off();
      return openBootPartition();
    },
    async destroy() {
      await running?.guest.kill();
      await lab?.detach(name);
      scratch.remove();
    },
  };
}

function complain(what: string): never {
  throw new Error(what);
}
