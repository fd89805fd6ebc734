// SPDX-License-Identifier: GPL-3.0-or-later
// Where an image is written to: a disk, or a regular file in its place. It is checked before it is opened.
import { constants, existsSync } from "node:fs";
import { type FileHandle, open, realpath, stat, statfs, truncate } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { $ } from "zx";
import { fail } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";
import { readerOf } from "../disk/boot-partition.ts";
import { MIB } from "../disk/layout.ts";
import { type Extent, readPartitions } from "../disk/partition-table.ts";
import {
  checkDisk,
  type Demands,
  type Disk,
  describeContents,
  describeDisk,
  gigabytes,
  readDisks,
} from "./disks.ts";
import { withTrouble } from "./trouble.ts";

export interface Target {
  readonly path: string;
  /** What the person types to confirm; also its name in messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly kind: "disk" | "file";
  /** A file that does not exist yet: no data can be lost. */
  readonly isNew: boolean;
  /** What it is and what is on it, as text for the person. */
  readonly description: string;
}

/**
 * @param usual size in bytes of a file that does not exist yet.
 * @throws Failure: `disk-missing`, the reasons of {@link checkDisk}, `target-unsuitable`, `disk-too-small`,
 * `target-full`
 */
export async function findTarget(
  typed: string,
  demands: Demands,
  usual: number,
  disks: () => Promise<readonly Disk[]> = readDisks,
): Promise<Target> {
  if (!existsSync(typed)) {
    if (typed.startsWith("/dev/") || !typed.includes("/"))
      return missingDisk(typed, demands, typed.includes("/"));
    return newFile(typed, usual);
  }
  const path = await realpath(typed);
  const info = await stat(path);
  if (info.isBlockDevice()) {
    const disk = (await disks()).find((each) => each.path === path);
    if (!disk) return missingDisk(typed, demands, true);
    checkDisk(disk, demands);
    const description = `${describeDisk(disk)}. On it:\n${describeContents(disk.contents)}`;
    return { path, name: disk.name, size: disk.size, kind: "disk", isNew: false, description };
  }
  if (!info.isFile()) {
    fail({
      code: "target-unsuitable",
      what: `${typed} is neither a disk nor a file.`,
      hint: `${demands.command}  (without a disk: shows those that can be taken)`,
    });
  }
  if (info.size < demands.least) {
    fail({
      code: "disk-too-small",
      what: `The file ${typed} is too small to stand for the disk.`,
      found: `${gigabytes(info.size)}; ${demands.why} ${gigabytes(demands.least)}`,
      hint: `truncate --size ${Math.ceil(demands.least / MIB)}M ${typed}`,
    });
  }
  const description = `The file ${printable(path)}, ${gigabytes(info.size)}. In it:\n${await describeFile(path)}`;
  return { path, name: basename(path), size: info.size, kind: "file", isNew: false, description };
}

function missingDisk(typed: string, { command }: Demands, isPath: boolean): never {
  return fail({
    code: "disk-missing",
    what: `There is no disk ${typed}.`,
    found: isPath ? "no such device" : "a name without a folder",
    hint: isPath
      ? `plug it in, and look: ${command}`
      : `a disk: ${command} /dev/${typed}; a file: ${command} ./${typed}`,
  });
}

async function newFile(path: string, size: number): Promise<Target> {
  const folder = dirname(path);
  if (!existsSync(folder)) {
    fail({
      code: "target-unsuitable",
      what: `There is no folder ${folder}.`,
      hint: `mkdir --parents ${folder}`,
    });
  }
  const description = `A new file ${path} of ${gigabytes(size)}`;
  return { path, name: basename(path), size, kind: "file", isNew: true, description };
}

async function describeFile(path: string): Promise<string> {
  const file = await open(path);
  try {
    const partitions = await readPartitions(readerOf(file));
    if (partitions.length === 0) return "  no partitions";
    return partitions
      .map(({ name, size }, index) =>
        `  partition ${index + 1}, ${gigabytes(size)} ${printable(name)}`.trimEnd(),
      )
      .join("\n");
  } finally {
    await file.close();
  }
}

/** @throws Failure `disk-missing`, where a device is gone. */
export async function oldPartitions(file: FileHandle): Promise<readonly Extent[]> {
  return readPartitions(readerOf(file));
}

/**
 * Opens the target for writing. A disk is opened exclusively (O_EXCL): no partition of it can be mounted meanwhile,
 * and the kernel refuses when one is in use in a way that lsblk does not show.
 */
export async function openTarget(target: Target, needed: number): Promise<FileHandle> {
  return withTrouble(target, async () => {
    if (target.kind === "disk") return open(target.path, constants.O_RDWR | constants.O_EXCL);
    await checkRoom(target, needed);
    const file = await open(target.path, target.isNew ? "wx+" : "r+", 0o644);
    if (target.isNew) await truncate(target.path, target.size);
    return file;
  });
}

/** Fails before writing, not in the middle of it, when the file system has too little room. */
async function checkRoom({ path, isNew }: Target, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(isNew ? dirname(path) : path);
  const own = isNew ? 0 : (await stat(path)).blocks * 512;
  if (bavail * bsize + own >= needed) return;
  fail({
    code: "target-full",
    what: `There is not enough room for ${path}.`,
    found: `${gigabytes(bavail * bsize)} free, ${gigabytes(needed)} needed`,
    hint: "make room, or choose another folder",
  });
}

/** Drops the kernel's cache of the disk, so that what is read comes from the disk. */
export async function dropCache({ path }: Pick<Target, "path">): Promise<void> {
  await $({ quiet: true })`dd of=${path} oflag=nocache conv=notrunc,fdatasync count=0 status=none`;
}

/** Makes the kernel read the new partition table. When the disk is busy, that happens when it is plugged in again. */
export async function rereadPartitions({ kind, path }: Target): Promise<void> {
  if (kind === "disk") await $({ quiet: true, nothrow: true })`blockdev --rereadpt ${path}`;
}
