// SPDX-License-Identifier: GPL-3.0-or-later
// A guest's disk: made from a raw image that stays as it is, and grown to the size of a real disk.
import { stat, truncate, writeFile } from "node:fs/promises";
import { $ } from "zx";
import { fail } from "../../common/fail.ts";

const MIB = 1024 * 1024;
export const DEFAULT_DISK_MIB = 8 * 1024;

export interface GuestDisk {
  readonly path: string;
  readonly format: "raw" | "qcow2";
}

/** A temporary overlay over the image: made at once, holds only what the guest writes. */
export async function overlayDisk(image: string, mib: number, path: string): Promise<GuestDisk> {
  await checkSize(image, mib);
  await $({ quiet: true })`qemu-img create -q -f qcow2 -F raw -b ${image} ${path} ${mib}M`;
  return { path, format: "qcow2" };
}

/** A copy of the image for one guest, as sparse as the image; tools can read it from outside. */
export async function copiedDisk(image: string, mib: number, path: string): Promise<GuestDisk> {
  await checkSize(image, mib);
  await $({ quiet: true })`cp --sparse=always --reflink=auto ${image} ${path}`;
  await truncate(path, mib * MIB);
  return { path, format: "raw" };
}

/** An empty disk. */
export async function emptyDisk(mib: number, path: string): Promise<GuestDisk> {
  await writeFile(path, "");
  await truncate(path, mib * MIB);
  return { path, format: "raw" };
}

async function checkSize(image: string, mib: number): Promise<void> {
  const { size } = await stat(image);
  if (size <= mib * MIB) return;
  fail({
    code: "disk-too-small",
    what: "The guest's disk would be smaller than the image.",
    found: `disk ${mib} MiB, image ${Math.ceil(size / MIB)} MiB`,
    hint: `--disk ${Math.ceil(size / MIB / 1024)}G or more`,
  });
}
