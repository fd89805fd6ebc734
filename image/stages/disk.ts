// SPDX-License-Identifier: GPL-3.0-or-later
// Stage "disk": one sparse file with partition table, boot loaders and file systems. Nothing is mounted and no loop
// device is used: every program writes into the file at an offset.
import { lstat, mkdir, open, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { biosBootCode } from "../boot/bios.ts";
import { efiLoaders } from "../boot/efi.ts";
import { hybridMbr, readsMbr } from "../boot/raspberry-pi.ts";
import {
  BOOT_LABEL,
  type DiskLayout,
  layoutDisk,
  ROOT_LABEL,
  rootSizeMib,
  SECTOR,
  sfdiskScript,
  stableUuid,
  type TreeSize,
} from "../disk/layout.ts";
import type { DiskTools } from "../disk/tools.ts";
import type { Session } from "../host/session.ts";
import type { Plan } from "./resolve.ts";

export interface DiskOptions {
  readonly plan: Plan;
  readonly tools: DiskTools;
  /** The customized root file system. */
  readonly root: string;
  /** Files of the FAT partition, by path. */
  readonly bootFiles: ReadonlyMap<string, Uint8Array>;
  readonly image: string;
  /** Names the image; UUIDs follow from it. */
  readonly seed: string;
}

export async function disk(session: Session, options: DiskOptions): Promise<DiskLayout> {
  const { plan, tools, root, bootFiles, image, seed } = options;
  const { profile } = plan;
  const tree = await measure(root);
  const rootMib = rootSizeMib(tree, profile.disk.root_slack_mib);
  const firmware = new Set<string>(profile.boot.firmware);
  const layout = layoutDisk({
    bootMib: profile.boot.size_mib,
    rootMib,
    seed,
    architecture: profile.architecture,
    bios: firmware.has("bios"),
  });
  const { root: rootPartition } = layout.partitions;
  session.note(`image of ${Math.round(layout.size / 1e6)} MB, root ${rootMib} MiB for ${tree.inodes} inodes`);

  await rm(image, { force: true });
  await mkdir(dirname(image), { recursive: true });
  await writeFile(image, "");
  await truncate(image, layout.size);
  await tools.tool("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", image], {
    input: sfdiskScript(layout),
  });

  const loaders = await efiLoaders(tools, root, profile);
  await makeBootPartition(tools, image, layout, new Map([...bootFiles, ...loaders]), seed);

  const uuid = stableUuid(`${seed}:ext4`);
  const features = [
    `offset=${rootPartition.start * SECTOR}`,
    `hash_seed=${stableUuid(`${seed}:hash`)}`,
    "root_owner=0:0",
    // Inode tables are written, not left as holes: a block map leaves holes out, and a card that held a box before
    // would keep its old inodes there, under the same UUID.
    "lazy_itable_init=0",
    "nodiscard",
  ];
  await tools.tool("mke2fs", [
    ...["-q", "-F", "-t", "ext4", "-L", ROOT_LABEL, "-U", uuid, "-E", features.join(","), "-d", root],
    ...[image, `${rootMib * 1024}k`],
  ]);

  if (firmware.has("bios")) await writeAt(image, await biosBootCode(tools, layout, image));
  if (readsMbr(firmware)) await writeAt(image, hybridMbr(layout));
  return layout;
}

/** Pieces of bytes with their offset in the image. */
async function writeAt(image: string, pieces: ReadonlyMap<number, Uint8Array>): Promise<void> {
  const file = await open(image, "r+");
  try {
    for (const [offset, bytes] of pieces) await file.write(bytes, 0, bytes.length, offset);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function makeBootPartition(
  tools: DiskTools,
  image: string,
  layout: DiskLayout,
  files: ReadonlyMap<string, Uint8Array>,
  seed: string,
): Promise<void> {
  const { boot } = layout.partitions;
  const volume = stableUuid(`${seed}:fat`).slice(0, 8);
  const blocks = (boot.size * SECTOR) / 1024;
  await tools.tool("mkfs.fat", [
    ...[
      "-F",
      "32",
      "-s",
      String(sectorsPerCluster(boot.size)),
      "-n",
      BOOT_LABEL,
      "-i",
      volume,
      "--invariant",
      "--offset",
      String(boot.start),
    ],
    ...[image, String(blocks)],
  ]);
  const drive = `${image}@@${boot.start * SECTOR}`;
  const directories = new Set<string>();
  for (const path of [...files.keys()].sort()) {
    for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) directories.add(parent);
  }
  for (const directory of [...directories].sort()) await tools.tool("mmd", ["-i", drive, `::${directory}`]);
  for (const [path, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const staged = `${image}.staged`;
    await writeFile(staged, bytes);
    await tools.tool("mcopy", ["-i", drive, staged, `::${path}`]);
    await rm(staged);
  }
}

/** 4 KiB where that leaves enough clusters for the file system to be FAT32 (65525), else the smallest. */
function sectorsPerCluster(sectors: number): number {
  return sectors / 8 > 66_000 ? 8 : 1;
}

/** Counts the content; hard links count once. */
async function measure(root: string): Promise<TreeSize> {
  const seen = new Set<number>();
  let bytes = 0;
  const visit = async (directory: string): Promise<void> => {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      const info = await lstat(path);
      if (!seen.has(info.ino)) bytes += Math.ceil(info.size / 4096) * 4096;
      seen.add(info.ino);
      if (entry.isDirectory()) await visit(path);
    }
  };
  await visit(root);
  return { bytes, inodes: seen.size };
}
