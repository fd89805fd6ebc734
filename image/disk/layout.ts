// SPDX-License-Identifier: GPL-3.0-or-later
// Computes where the partitions of an image lie and how large its root file system must be, without side effects.
import { createHash } from "node:crypto";

export const SECTOR = 512;
export const MIB = 1024 * 1024;
const SECTORS_PER_MIB = MIB / SECTOR;

/** One partition, in sectors of 512 bytes. */
export interface Partition {
  readonly number: number;
  readonly name: string;
  /** GPT partition type. */
  readonly type: string;
  readonly uuid: string;
  readonly start: number;
  readonly size: number;
}

export interface DiskLayout {
  readonly diskUuid: string;
  /** Bytes of the whole image. */
  readonly size: number;
  /** In the order of their numbers; the first one only where a BIOS starts the box. */
  readonly partitions: { readonly bios?: Partition; readonly boot: Partition; readonly root: Partition };
}

const TYPE = {
  bios: "21686148-6449-6E6F-744E-656564454649",
  esp: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
} as const;

/** Root partition types of the Discoverable Partitions Specification; systemd-repart finds the root by its type. */
const ROOT_TYPE = {
  amd64: "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
  i386: "44479540-F297-41B2-9AF7-D131D5F0458A",
  arm64: "B921B045-1DF0-41C3-AF44-4C6F280D3FAE",
  armhf: "69DAD710-2CE4-4E3C-B16C-21A1D49ABED3",
} as const;

/** Label of the FAT partition, to which a person copies `answers.yaml`. */
export const BOOT_LABEL = "CBOX-BOOT";
export const ROOT_LABEL = "CBOX-ROOT";

export interface LayoutRequest {
  readonly bootMib: number;
  readonly rootMib: number;
  /** Names the image; every UUID follows from it. */
  readonly seed: string;
  readonly architecture: keyof typeof ROOT_TYPE;
  /** Whether GRUB for BIOS needs a partition of its own. */
  readonly bios: boolean;
}

/** GPT: 1 MiB of table and alignment, 1 MiB BIOS boot, the FAT partition, the root, 1 MiB for the backup table. */
export function layoutDisk({ bootMib, rootMib, seed, architecture, bios }: LayoutRequest): DiskLayout {
  let free = SECTORS_PER_MIB;
  let number = 0;
  const next = (purpose: string, name: string, type: string, mib: number): Partition => {
    const [start, size] = [free, mib * SECTORS_PER_MIB];
    free += size;
    number += 1;
    return { number, name, type, uuid: stableUuid(`${seed}:${purpose}`), start, size };
  };
  const partitions = {
    ...(bios ? { bios: next("bios", "bios", TYPE.bios, 1) } : {}),
    boot: next("boot", "cbox-boot", TYPE.esp, bootMib),
    root: next("root", "cbox-root", ROOT_TYPE[architecture], rootMib),
  };
  return { diskUuid: stableUuid(`${seed}:disk`), size: free * SECTOR + MIB, partitions };
}

/** The layout as a script for sfdisk. */
export function sfdiskScript({ diskUuid, partitions }: DiskLayout): string {
  const lines = Object.values(partitions).map(
    ({ number, start, size, type, uuid, name }) =>
      `disk.img${number} : start=${start}, size=${size}, type=${type}, uuid=${uuid}, name="${name}"`,
  );
  return [`label: gpt`, `label-id: ${diskUuid}`, "unit: sectors", "first-lba: 34", "", ...lines, ""].join(
    "\n",
  );
}

/** Content of a root file system, counted once. */
export interface TreeSize {
  /** Bytes, each file rounded up to blocks of 4 KiB. */
  readonly bytes: number;
  readonly inodes: number;
}

/**
 * MiB for an ext4 that holds `tree` and `slackMib` more: block groups, inode tables (256 bytes an inode, one inode
 * per 16 KiB) and a journal come on top of the content.
 */
export function rootSizeMib(tree: TreeSize, slackMib: number): number {
  const journal = 64;
  const perMib = 1 + 256 / 16384 + 0.01;
  return Math.ceil((tree.bytes / MIB) * perMib + journal + slackMib);
}

/** A UUID that follows from a text: version 8 ("custom") of RFC 9562 over its SHA-256. */
export function stableUuid(text: string): string {
  const hash = createHash("sha256").update(text).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)]
    .join("-")
    .toUpperCase();
}
