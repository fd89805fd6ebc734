// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox boot PROFILE`: the newest image of a profile as a virtual machine, its serial console on this terminal.
// The disk is thrown away afterwards, and the machine has no network.

import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { say } from "../../common/say.ts";
import { bootPartition } from "../disk/boot-partition.ts";
import { requireChecks } from "../doctor/index.ts";
import { boardFiles } from "../guest/board-files.ts";
import { copiedDisk, DEFAULT_DISK_MIB, type GuestDisk, overlayDisk } from "../guest/disk.ts";
import { prepareFirmware } from "../guest/firmware.ts";
import { accelerator } from "../guest/guest.ts";
import type { Firmware, GuestOptions } from "../guest/qemu.ts";
import { runOnTerminal } from "../guest/terminal.ts";
import { interruption } from "../host/interrupt.ts";
import { makeScratch } from "../host/scratch.ts";
import { parseMib } from "../host/size.ts";
import { type MachineProfile, machineOf, resolveProfile } from "../profile/index.ts";
import { type LocatedImage, locateImage, openImage } from "../published/locate-image.ts";
import { trustOf } from "../published/signature.ts";
import { defaultOut } from "./build.ts";

/** As typed. */
export interface BootCommandOptions {
  /** The profile's first one unless given. */
  readonly firmware?: Firmware;
  /** Such as 2G; the profile's own figure unless given. */
  readonly memory?: string;
  /** Such as 16G; 8G unless given. */
  readonly disk?: string;
  /** An image file, instead of the newest build. */
  readonly image?: string;
  readonly out?: string;
  /** Files with public keys; those of the project unless said. */
  readonly key?: readonly string[];
  readonly requireSignature?: boolean;
}

export async function bootCommand(profileId: string, options: BootCommandOptions): Promise<void> {
  const profile = machineOf(resolveProfile(profileId));
  const machine = readMachine(profile, options);
  await requireChecks("boot", profile);
  const trust = trustOf(options);
  const image = await (options.image
    ? openImage(options.image, trust)
    : locateImage(profileId, options.out ?? defaultOut(profileId), trust));
  say(
    `Booting ${image.name} (${machine.firmware}) without a network, on a disk that is thrown away. Leave with Ctrl-A x.`,
  );
  await bootOnTerminal(profile, image, machine, "none");
}

export interface Machine {
  readonly firmware: Firmware;
  readonly memoryMib: number;
  readonly diskMib: number;
}

/** @throws Failure `firmware-unsupported`, `size-invalid` */
export function readMachine(profile: MachineProfile, options: BootCommandOptions): Machine {
  const supported: readonly Firmware[] = profile.boot.firmware;
  if (supported.includes("rpi-eeprom")) {
    fail({
      code: "board-not-emulated",
      what: "QEMU has no machine like this board, so its image cannot be tried here.",
      found: profile.title,
      hint: "./cbox boot raspberry-pi or vm-arm64 start the same software on boards that QEMU has",
    });
  }
  const firmware = options.firmware ?? supported[0]!;
  if (!supported.includes(firmware)) {
    fail({
      code: "firmware-unsupported",
      what: `The profile ${profile.id} does not boot from this firmware.`,
      found: firmware,
      hint: `--firmware ${supported.join("|")}`,
    });
  }
  return {
    firmware,
    memoryMib: options.memory === undefined ? profile.qemu.memory_mib : parseMib(options.memory, "--memory"),
    diskMib: diskSize(
      profile,
      options.disk === undefined ? DEFAULT_DISK_MIB : parseMib(options.disk, "--disk"),
    ),
  };
}

/** QEMU accepts only powers of two as sizes of cards. */
function diskSize({ qemu }: MachineProfile, mib: number): number {
  return ["sd", "sdhci"].includes(qemu.disk) ? 2 ** Math.ceil(Math.log2(mib)) : mib;
}

/**
 * Runs the guest on this terminal to its end, and removes all its files.
 * @param files put on its partition CBOX-BOOT, by name.
 */
export async function bootOnTerminal(
  profile: MachineProfile,
  image: LocatedImage,
  machine: Machine,
  network: GuestOptions["network"],
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const scratch = makeScratch();
  try {
    const uefi = await prepareFirmware(profile, machine.firmware, scratch.path);
    const board = await boardFiles(profile, image.path, scratch.path);
    const disk = await makeDisk(image.path, machine.diskMib, join(scratch.path, "disk"), files);
    const options = {
      disk,
      ...(uefi ? { uefi } : {}),
      ...(board ? { board } : {}),
      memoryMib: machine.memoryMib,
      accelerator: await accelerator(profile),
      network,
    };
    await runOnTerminal(profile, options, { directory: scratch.path, signal: interruption() });
  } finally {
    scratch.remove();
  }
}

/** Files are written from outside, and that takes a disk of the guest's own. */
async function makeDisk(
  image: string,
  mib: number,
  path: string,
  files: Readonly<Record<string, string>>,
): Promise<GuestDisk> {
  if (Object.keys(files).length === 0) return overlayDisk(image, mib, path);
  const disk = await copiedDisk(image, mib, path);
  const partition = await bootPartition(disk.path);
  for (const [name, content] of Object.entries(files)) await partition.put(name, content);
  return disk;
}
