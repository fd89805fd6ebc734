// SPDX-License-Identifier: GPL-3.0-or-later
// The resources of this box that can be divided: memory, processors, processes, and the disk of its root file system.

import { parseJson } from "../../common/json.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Resources } from "./plan.ts";
import { filesMib } from "./pools.ts";

/** Name of the data partition, in the partition table. */
export const DATA_LABEL = "CBOX-DATA";

export interface Disk {
  /** Such as /dev/vda; undefined if the disk of the root file system is unknown. */
  readonly device?: string;
  /** The data partition, if it exists. */
  readonly data?: { readonly device: string; readonly mib: number; readonly uuid: string };
  /** After the last partition. */
  readonly freeMib: number;
}

export async function readResources(box: Box, image: Pick<ImageInfo, "converted">): Promise<Resources> {
  const number = async (path: string, pattern: RegExp) =>
    Number(pattern.exec((await box.readFile(path)) ?? "")?.[1] ?? 0);
  return {
    memoryMib: Math.floor((await number("/proc/meminfo", /^MemTotal:\s+(\d+) kB/m)) / 1024),
    cpus: Math.max(1, ((await box.readFile("/proc/cpuinfo")) ?? "").match(/^processor\s*:/gm)?.length ?? 1),
    diskMib: image.converted ? await ownFilesMib(box) : await partitionMib(box),
    // A fallback well below any kernel's own limit.
    processes: (await number("/proc/sys/kernel/threads-max", /^(\d+)/)) || 4096,
  };
}

/** The data partition's file system has metadata of its own, part of it proportional to the disk's size. */
async function partitionMib(box: Box): Promise<number> {
  const { data, freeMib } = await readDisk(box);
  const mib = data?.mib ?? freeMib;
  return Math.max(0, mib - DATA_BOOKS_MIB - Math.ceil(mib / DATA_PER_BOOKS));
}

/**
 * On a converted machine the pools are files on its root file system: their size if they exist; else a part of the
 * free space. The machine itself keeps the rest.
 */
async function ownFilesMib(box: Box): Promise<number> {
  const made = await filesMib(box);
  if (made !== undefined) return made;
  const { stdout } = await box.run("df", ["--block-size=1M", "--output=avail", "/var/lib"]);
  return Math.floor(Number(/(\d+)\s*$/.exec(stdout)?.[1] ?? 0) * PART_OF_FREE);
}

/** Measured with the options of data-partition.ts: 17 MiB on 4 GiB, 117 on 1 TB, 425 on 4 TB. */
const DATA_BOOKS_MIB = 32;
const DATA_PER_BOOKS = 8192;
const PART_OF_FREE = 0.5;

export async function readDisk(box: Box): Promise<Disk> {
  const columns = "PATH,TYPE,SIZE,START,PARTLABEL,PARTUUID,MOUNTPOINTS";
  const { stdout } = await box.run("lsblk", ["--json", "--bytes", "--tree", "--output", columns]);
  return parseDisk(stdout);
}

interface BlockDevice {
  readonly path?: string;
  readonly type?: string;
  readonly size?: number;
  /** In sectors of 512 bytes. */
  readonly start?: number | null;
  readonly partlabel?: string | null;
  readonly partuuid?: string | null;
  readonly mountpoints?: readonly (string | null)[];
  readonly children?: readonly BlockDevice[];
}

const SECTOR = 512;
const MIB = 1024 * 1024;
/** For the second copy of the partition table, at the end. */
const TABLE_MIB = 1;

export function parseDisk(json: string): Disk {
  const { blockdevices = [] } = parseJson<{ blockdevices?: readonly BlockDevice[] }>(json, {});
  const disk = blockdevices.find(({ children = [] }) =>
    children.some(({ mountpoints = [] }) => mountpoints.includes("/")),
  );
  if (!disk?.path) return { freeMib: 0 };
  const { path: device, size = 0, children = [] } = disk;
  const data = children.find(({ partlabel }) => partlabel === DATA_LABEL);
  const end = Math.max(0, ...children.map((each) => (each.start ?? 0) * SECTOR + (each.size ?? 0)));
  return {
    device,
    ...(data?.path
      ? {
          data: {
            device: data.path,
            mib: Math.floor((data.size ?? 0) / MIB),
            uuid: (data.partuuid ?? "").toLowerCase(),
          },
        }
      : {}),
    freeMib: Math.max(0, Math.floor((size - end) / MIB) - TABLE_MIB),
  };
}
