// SPDX-License-Identifier: GPL-3.0-or-later
// GRUB for UEFI, 64-bit and 32-bit: Debian's ready monolithic images at the removable-media paths, so that no
// firmware variable is needed to boot.
import { readFile } from "node:fs/promises";
import type { DiskTools } from "../disk-tools.ts";

const LOADERS = {
  efi64: { path: "EFI/BOOT/BOOTX64.EFI", source: "usr/lib/grub/x86_64-efi/monolithic/grubx64.efi" },
  efi32: { path: "EFI/BOOT/BOOTIA32.EFI", source: "usr/lib/grub/i386-efi/monolithic/grubia32.efi" },
} as const;

export const EFI_PATHS = { efi64: LOADERS.efi64.path, efi32: LOADERS.efi32.path };

/** Files for the FAT partition, by path. */
export async function efiLoaders(
  tools: DiskTools,
  firmware: ReadonlySet<string>,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const [name, { path, source }] of Object.entries(LOADERS)) {
    if (firmware.has(name)) files.set(path, await readFile(tools.path(source)));
  }
  return files;
}
