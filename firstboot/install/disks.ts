// SPDX-License-Identifier: GPL-3.0-or-later
// The box's disks for the installer: the one it runs from, those that it could be installed to, their contents, and
// why the others are unsuitable.

import { leastBytes } from "../../common/disk-size.ts";
import { parseJson } from "../../common/json.ts";
import { printable } from "../../common/printable.ts";
import type { Box } from "../host/box.ts";

export interface Partition {
  readonly path: string;
  readonly bytes: number;
  readonly label: string;
  /** In blkid's terms, such as ntfs; empty if none was detected. */
  readonly fileSystem: string;
  readonly mountPoints: readonly string[];
}

export interface Disk {
  /** Such as /dev/sda. */
  readonly path: string;
  /** Such as sda. Typed by a person as confirmation; it may be another disk's name after the next start. */
  readonly name: string;
  readonly bytes: number;
  readonly model: string;
  /** Empty if the disk does not have one. */
  readonly serial: string;
  /** GUID of its partition table, lower case. */
  readonly tableId: string;
  readonly fileSystem: string;
  readonly partitions: readonly Partition[];
  /** Removable: a stick or a card. */
  readonly isPortable: boolean;
  readonly fault?: Fault;
}

/** Why a disk is unsuitable. */
export type Fault = "running" | "portable" | "used" | "small" | "sectors";

export interface Disks {
  /** The disk that the root file system is on. */
  readonly source: Disk | undefined;
  /** All other disks, suitable ones first. */
  readonly others: readonly Disk[];
  readonly candidates: readonly Disk[];
}

/** Where the installer mounts its file systems; a mount there does not count as use. */
export const WORKPLACE = "/run/community-box/install";

const SECTOR = 512;
const COLUMNS = [
  ...["PATH", "NAME", "TYPE", "SIZE", "MODEL", "SERIAL", "TRAN", "RM", "RO", "LOG-SEC", "PTUUID"],
  ...["FSTYPE", "LABEL", "PARTLABEL", "MOUNTPOINTS"],
];

interface BlockDevice {
  readonly path?: string;
  readonly name?: string;
  readonly type?: string;
  readonly size?: number;
  readonly model?: string | null;
  readonly serial?: string | null;
  readonly tran?: string | null;
  readonly rm?: boolean;
  readonly ro?: boolean;
  readonly "log-sec"?: number;
  readonly ptuuid?: string | null;
  readonly fstype?: string | null;
  readonly label?: string | null;
  readonly partlabel?: string | null;
  readonly mountpoints?: readonly (string | null)[];
  readonly children?: readonly BlockDevice[];
}

/** @param minimumGib minimum disk size of the image */
export async function readDisks(box: Box, minimumGib: number): Promise<Disks> {
  // This early in the boot, drivers may still be loading.
  await box.run("udevadm", ["settle", "--timeout=10"]);
  const { stdout } = await box.run("lsblk", ["--json", "--bytes", "--tree", "--output", COLUMNS.join(",")]);
  return parseDisks(stdout, minimumGib, await memoryCards(box));
}

/** Names of the mmcblk devices that are removable cards; lsblk does not distinguish them from soldered ones. */
async function memoryCards(box: Box): Promise<ReadonlySet<string>> {
  const cards = new Set<string>();
  for (const name of (await box.list("/sys/block")).filter((each) => /^mmcblk\d+$/.test(each))) {
    const type = (await box.readFile(`/sys/block/${name}/device/type`)) ?? "";
    if (type.trim() === "SD") cards.add(name);
  }
  return cards;
}

export function parseDisks(json: string, minimumGib: number, cards: ReadonlySet<string> = new Set()): Disks {
  const { blockdevices = [] } = parseJson<{ blockdevices?: readonly BlockDevice[] }>(json, {});
  const disks = blockdevices
    // The boot areas of eMMC (mmcblk0boot0) are also reported as disks.
    .filter(({ type, name = "" }) => type === "disk" && !/^(zram|ram|fd|nbd|mmcblk\d+(boot|rpmb))/.test(name))
    .map((device) => readDisk(device, minimumGib, cards));
  const source = disks.find(({ fault }) => fault === "running");
  const others = disks.filter((disk) => disk !== source);
  const candidates = source ? others.filter(({ fault }) => fault === undefined) : [];
  return { source, others: [...candidates, ...others.filter(({ fault }) => fault)], candidates };
}

function readDisk(device: BlockDevice, minimumGib: number, cards: ReadonlySet<string>): Disk {
  const { path = "", name = "", size = 0, model, serial, ptuuid, fstype } = device;
  const fault = faultOf(device, minimumGib, cards);
  return {
    path,
    name,
    bytes: size,
    model: printable((model ?? "").trim()),
    serial: (serial ?? "").trim(),
    tableId: (ptuuid ?? "").toLowerCase(),
    fileSystem: fstype ?? "",
    partitions: (device.children ?? []).map((child) => ({
      path: child.path ?? "",
      bytes: child.size ?? 0,
      label: printable(child.label ?? child.partlabel ?? ""),
      fileSystem: child.fstype ?? "",
      mountPoints: (child.mountpoints ?? []).filter((point) => point !== null),
    })),
    isPortable: isPortable(device, cards),
    ...(fault ? { fault } : {}),
  };
}

function isPortable({ tran, rm, name = "" }: BlockDevice, cards: ReadonlySet<string>): boolean {
  return tran === "usb" || rm === true || cards.has(name);
}

function faultOf(device: BlockDevice, minimumGib: number, cards: ReadonlySet<string>): Fault | undefined {
  const points = mountPoints(device);
  if (points.includes("/")) return "running";
  if (isPortable(device, cards)) return "portable";
  if (device.ro === true || points.some((point) => !point.startsWith(WORKPLACE))) return "used";
  if ((device.size ?? 0) < leastBytes(minimumGib)) return "small";
  // The boot code and the partition positions assume sectors of 512 bytes.
  return (device["log-sec"] ?? SECTOR) === SECTOR ? undefined : "sectors";
}

/** Of the device and of everything on it: partitions, encrypted volumes, arrays. */
function mountPoints({ mountpoints = [], children = [] }: BlockDevice): string[] {
  return [...mountpoints.filter((point) => point !== null), ...children.flatMap(mountPoints)];
}

/** Partition number `number` of a disk: /dev/sda3, but /dev/mmcblk0p3. */
export function partitionPath(disk: string, number: number): string {
  return /\d$/.test(disk) ? `${disk}p${number}` : `${disk}${number}`;
}

/** "240.1 GB"; in powers of ten, as on a disk's label. */
export function sizeText(bytes: number): string {
  const [unit, factor] = bytes >= 1e12 ? ["TB", 1e12] : bytes >= 1e9 ? ["GB", 1e9] : ["MB", 1e6];
  return `${(bytes / Number(factor)).toFixed(1)} ${unit}`;
}

/** "sda, 240.1 GB, KINGSTON SA400S37". */
export function diskText({ name, bytes, model }: Disk): string {
  return [name, sizeText(bytes), model].filter(Boolean).join(", ");
}

/** What would be lost, independent of the language: "sda1 ntfs \"Windows\" 100.0 GB; sda2 ext4 20.0 GB". */
export function contentsText({ partitions, fileSystem }: Disk): string {
  if (partitions.length === 0) return fileSystem || "-";
  return partitions
    .map(({ path, fileSystem: kind, label, bytes }) =>
      [path.replace(/^\/dev\//, ""), kind, label && `"${label}"`, sizeText(bytes)].filter(Boolean).join(" "),
    )
    .join("; ");
}
