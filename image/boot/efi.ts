// SPDX-License-Identifier: GPL-3.0-or-later
// GRUB for UEFI, 64-bit and 32-bit, PC and ARM: Debian's ready monolithic images at the removable-media paths, so
// that no firmware variable is needed to boot.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DiskTools } from "../disk/tools.ts";
import type { ResolvedProfile } from "../profile/index.ts";

interface Loader {
  readonly firmware: "efi64" | "efi32";
  /** Path on the FAT partition that firmware starts by default. */
  readonly path: string;
  /** Place in the tools tree, or in the image's own root. */
  readonly source: string;
  /** The tools tree is for PCs; loaders of other architectures come from a package of the profile. */
  readonly ownPackage?: true;
  /** Machine in the header of the program (PE/COFF specification). */
  readonly machine: number;
}

const GRUB = "usr/lib/grub";
const X64: Loader = {
  firmware: "efi64",
  path: "EFI/BOOT/BOOTX64.EFI",
  source: `${GRUB}/x86_64-efi/monolithic/grubx64.efi`,
  machine: 0x8664,
};
const IA32: Loader = {
  firmware: "efi32",
  path: "EFI/BOOT/BOOTIA32.EFI",
  source: `${GRUB}/i386-efi/monolithic/grubia32.efi`,
  machine: 0x14c,
};
const AA64: Loader = {
  firmware: "efi64",
  path: "EFI/BOOT/BOOTAA64.EFI",
  source: `${GRUB}/arm64-efi/monolithic/grubaa64.efi`,
  machine: 0xaa64,
  ownPackage: true,
};

/** The loaders that a profile's image must have. */
export function loadersOf({ architecture, boot }: Pick<ResolvedProfile, "architecture" | "boot">): Loader[] {
  const has = (name: "efi64" | "efi32") => boot.firmware.includes(name);
  return [...(has("efi64") ? [architecture === "arm64" ? AA64 : X64] : []), ...(has("efi32") ? [IA32] : [])];
}

/**
 * Files for the FAT partition, by path.
 * @param root the customized root file system
 */
export async function efiLoaders(
  tools: DiskTools,
  root: string,
  profile: Pick<ResolvedProfile, "architecture" | "boot">,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { path, source, ownPackage } of loadersOf(profile))
    files.set(path, await readFile(ownPackage ? join(root, source) : tools.path(source)));
  return files;
}
