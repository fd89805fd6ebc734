// SPDX-License-Identifier: GPL-3.0-or-later
// The disks of this machine as lsblk lists them, what is on them, and which of them must never be written to.
import { readFile } from "node:fs/promises";
import { $ } from "zx";
import { fail } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";
import { SECTOR } from "../disk/layout.ts";
import { table } from "../host/table.ts";

export interface Disk {
  /** Such as sdb; what a person types to confirm. */
  readonly name: string;
  /** Such as /dev/sdb. */
  readonly path: string;
  /** The type that lsblk gives: disk, part, lvm, raid1, crypt, loop, rom. */
  readonly type: string;
  /** Bytes; 0 for a reader without a card in it. */
  readonly size: number;
  /** Bytes of a logical sector: 512, or 4096. */
  readonly sectorSize: number;
  /** Maker and model; empty when unknown. */
  readonly model: string;
  /** usb, sata, nvme, SD; empty when unknown. */
  readonly transport: string;
  /** Whether it is a card, a stick or a disk on USB. */
  readonly isRemovable: boolean;
  readonly isReadOnly: boolean;
  /** What is on it: the file system of the whole disk, or its partitions and their content. */
  readonly contents: readonly Content[];
  /** The disk that it is a part of; itself for a whole disk. */
  readonly wholeDisk: string;
}

export interface Content {
  readonly path: string;
  readonly type: string;
  readonly size: number;
  /** Type of its content, such as ext4 or LVM2_member; empty when unknown. */
  readonly kind: string;
  readonly label: string;
  /** Where it is mounted; [SWAP] for swap in use. */
  readonly mounts: readonly string[];
}

interface BlockDevice {
  readonly name: string;
  readonly path: string;
  readonly type: string;
  readonly size: number;
  readonly "log-sec"?: number;
  readonly vendor?: string | null;
  readonly model?: string | null;
  readonly tran?: string | null;
  readonly rm: boolean;
  readonly hotplug: boolean;
  readonly ro: boolean;
  readonly fstype?: string | null;
  readonly label?: string | null;
  readonly partlabel?: string | null;
  readonly mountpoints?: readonly (string | null)[];
  readonly children?: readonly BlockDevice[];
}

const COLUMNS =
  "NAME,PATH,TYPE,SIZE,LOG-SEC,VENDOR,MODEL,TRAN,RM,HOTPLUG,RO,FSTYPE,LABEL,PARTLABEL,MOUNTPOINTS" as const;

/** Every block device of this machine, partitions included. */
export async function readDisks(): Promise<readonly Disk[]> {
  const { stdout } = await $({ quiet: true })`lsblk --json --bytes --tree --output ${COLUMNS}`;
  const disks = parseDisks(stdout);
  return Promise.all(disks.map(async (disk) => ({ ...disk, ...(await cardKind(disk)) })));
}

/** lsblk calls soldered eMMC "hotplug" as well; only the kernel distinguishes it from a card. */
async function cardKind({
  name,
}: Pick<Disk, "name">): Promise<Partial<Pick<Disk, "isRemovable" | "transport">>> {
  const kind = await readFile(`/sys/block/${name}/device/type`, "utf8").catch(() => "");
  if (kind.trim() === "MMC") return { isRemovable: false, transport: "eMMC" };
  return kind.trim() === "SD" ? { isRemovable: true, transport: "SD" } : {};
}

export function parseDisks(json: string): readonly Disk[] {
  const { blockdevices } = JSON.parse(json) as { blockdevices: readonly BlockDevice[] };
  const all = (device: BlockDevice, whole: string): Disk[] => [
    toDisk(device, whole),
    ...(device.children ?? []).flatMap((child) => all(child, whole)),
  ];
  return blockdevices.flatMap((device) => all(device, device.path));
}

function toDisk(device: BlockDevice, wholeDisk: string): Disk {
  const { name, path, type, size, vendor, model, tran, rm, hotplug, ro } = device;
  return {
    name,
    path,
    type,
    size,
    sectorSize: device["log-sec"] ?? SECTOR,
    model: printable(
      [vendor, model]
        .map((word) => word?.trim())
        .filter(Boolean)
        .join(" "),
    ),
    transport: tran ?? "",
    isRemovable: rm || hotplug || tran === "usb",
    isReadOnly: ro,
    contents: contentsOf(device),
    wholeDisk,
  };
}

function contentsOf(device: BlockDevice): Content[] {
  const { path, type, size, fstype, label, partlabel, mountpoints = [], children = [] } = device;
  const mounts = mountpoints.filter((place) => place !== null);
  const isWorthSaying = Boolean(fstype) || mounts.length > 0 || !WHOLE.has(type);
  const own = { path, type, size, kind: fstype ?? "", label: printable(label || partlabel || ""), mounts };
  return [...(isWorthSaying ? [own] : []), ...children.flatMap(contentsOf)];
}

/** Disks to offer for writing: removable, with a medium, and not part of the running system. */
export function candidates(disks: readonly Disk[]): readonly Disk[] {
  const isOne = (disk: Disk) => isWhole(disk) && disk.type !== "rom" && disk.isRemovable && disk.size > 0;
  return disks.filter((disk) => isOne(disk) && !useOf(disk)?.isSystem);
}

export interface Demands {
  /** Bytes that the disk must have. */
  readonly least: number;
  /** Bytes; a larger disk most likely holds somebody's data. */
  readonly most: number;
  /** Why there is a least size, such as "Raspberry Pi needs". */
  readonly why: string;
  readonly force: boolean;
  /** The command to show, without the disk. */
  readonly command: string;
}

/** @throws Failure with the reason why this disk is not written to. */
export function checkDisk(disk: Disk, demands: Demands): void {
  const { path } = disk;
  if (!isWhole(disk)) {
    fail({
      code: "disk-is-partition",
      what: `${path} is only a part of a disk. An image needs the whole of it.`,
      found: `${path} is ${disk.type === "part" ? "a partition" : disk.type} of ${disk.wholeDisk}`,
      hint: `${demands.command} ${disk.wholeDisk}`,
    });
  }
  if (disk.size === 0) {
    fail({
      code: "disk-empty",
      what: `There is no card in ${path}.`,
      found: "a size of 0",
      hint: "push the card in until it clicks, and try again",
    });
  }
  const use = useOf(disk);
  if (use?.isSystem) {
    fail({
      code: "disk-is-system",
      what: `${path} is what this computer runs from. It is never written to.`,
      found: use.what,
      hint: `${demands.command}  (without a disk: shows those that can be taken)`,
    });
  }
  if (use) fail({ code: "disk-in-use", what: `${path} is in use.`, found: use.what, hint: use.cure });
  if (disk.isReadOnly) {
    fail({
      code: "disk-read-only",
      what: `${path} is write-protected.`,
      hint: "slide the small lock of the card or its adapter away from LOCK, and put it in again",
    });
  }
  if (disk.size < demands.least) {
    fail({
      code: "disk-too-small",
      what: `${path} is too small.`,
      found: `${gigabytes(disk.size)}; ${demands.why} ${gigabytes(demands.least)}`,
      hint: "take a larger one",
    });
  }
  // The partition table, the boot code and the file systems of an image use sectors of 512 bytes; with another sector
  // size they would be looked for at wrong offsets.
  if (disk.sectorSize !== SECTOR) {
    fail({
      code: "disk-sectors",
      what: `${path} counts in sectors of another size than an image, which has ${SECTOR} bytes: nothing would start from it.`,
      found: `sectors of ${disk.sectorSize} bytes (${describeDisk(disk)})`,
      hint: "take another disk or stick; in a USB case, another case may show the same disk with sectors of 512 bytes",
    });
  }
  if (demands.force) return;
  if (!disk.isRemovable) {
    fail({
      code: "disk-not-removable",
      what: `${path} is built into this computer; an image is mostly for a card or a stick.`,
      found: describeDisk(disk),
      hint: `if you are sure: ${demands.command} ${path} --force`,
    });
  }
  if (disk.size > demands.most) {
    fail({
      code: "disk-too-large",
      what: `${path} is larger than cards and sticks for a box usually are; perhaps it holds somebody's data.`,
      found: describeDisk(disk),
      hint: `if you are sure: ${demands.command} ${path} --force`,
    });
  }
}

interface Use {
  readonly isSystem: boolean;
  readonly what: string;
  readonly cure: string;
}

const SYSTEM = /^(\/|\/boot|\/boot\/efi|\/boot\/firmware|\/efi|\/usr|\/var|\/home|\[SWAP\])$/;

/** What this machine uses the disk for at the moment, if anything. */
function useOf({ contents, path }: Pick<Disk, "contents" | "path">): Use | undefined {
  const mounted = contents.flatMap((each) => each.mounts.map((place) => ({ path: each.path, place })));
  const system = mounted.find(({ place }) => SYSTEM.test(place));
  if (system) {
    const what = system.place === "[SWAP]" ? "is its swap" : `is its ${system.place}`;
    return { isSystem: true, what: `${system.path} ${what}`, cure: "" };
  }
  if (mounted.length > 0) {
    const places = mounted.map(({ path: part, place }) => `${part} is mounted at ${place}`);
    return {
      isSystem: false,
      what: places.join(", "),
      cure: `umount ${[...new Set(mounted.map((each) => each.path))].join(" ")}`,
    };
  }
  // LVM volumes, RAIDs and opened encryption keep the partitions below them in use.
  const holder = contents.find(({ type }) => type !== "part" && !WHOLE.has(type));
  if (!holder) return undefined;
  return {
    isSystem: false,
    what: `${holder.path} (${holder.type}) is made of it`,
    cure: CURES[holder.type.replace(/\d+$/, "")] ?? `stop what uses ${path}`,
  };
}

const CURES: Readonly<Record<string, string>> = {
  lvm: "vgchange --activate n, with the name of the volume group",
  crypt: "cryptsetup close, with the name of the volume",
  raid: "mdadm --stop, with the name of the array",
};

const WHOLE: ReadonlySet<string> = new Set(["disk", "loop", "rom"]);

function isWhole({ type }: Pick<Disk, "type">): boolean {
  return WHOLE.has(type);
}

/** `sdb, 32.0 GB, SanDisk Ultra (usb)` */
export function describeDisk({ name, size, model, transport }: Disk): string {
  return [name, gigabytes(size), [model, transport && `(${transport})`].filter(Boolean).join(" ")]
    .filter(Boolean)
    .join(", ");
}

/** What is on the disk, one line each. */
export function describeContents(contents: readonly Content[]): string {
  if (contents.length === 0) return "  nothing that this computer knows";
  return table(
    contents.map(({ path, size, kind, label }) => [path, gigabytes(size), kind || "-", label]),
    "  ",
  );
}

/** The list that `cbox flash PROFILE` shows when no disk was named. */
export function listCandidates(disks: readonly Disk[]): string {
  const rows = candidates(disks).map((disk) => [
    disk.path,
    gigabytes(disk.size),
    [disk.model, disk.transport && `(${disk.transport})`].filter(Boolean).join(" ") || "-",
    summaryOf(disk),
  ]);
  return table([["disk", "size", "what it is", "what is on it"], ...rows], "  ");
}

function summaryOf({ contents }: Disk): string {
  const words = contents.map(
    ({ kind, label, mounts }) =>
      `${label || kind || "a partition"}${mounts.length ? ` (mounted at ${mounts.join(", ")})` : ""}`,
  );
  return words.length > 0 ? words.join(", ") : "nothing";
}

/** As printed on cards: 32 GB are 32 000 000 000 bytes. */
export function gigabytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(0)} MB` : `${bytes} bytes`;
}
