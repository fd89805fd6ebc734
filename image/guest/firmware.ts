// SPDX-License-Identifier: GPL-3.0-or-later
// The firmware files of this machine: OVMF from the packages ovmf and ovmf-ia32, AAVMF from qemu-efi-aarch64, under
// the names of several releases.
import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import type { Firmware, FirmwareFiles, GuestProfile } from "./qemu.ts";

/** Which build of UEFI a guest takes. */
type Uefi = "efi64" | "efi32" | "arm64";

const DIRECTORIES = [
  "/usr/share/OVMF",
  "/usr/share/edk2/x64",
  "/usr/share/edk2/ia32",
  "/usr/share/edk2/ovmf",
  "/usr/share/AAVMF",
  "/usr/share/edk2/aarch64",
];
/** Code and variables, best first. The plain builds come before those for Secure Boot, which need more of QEMU. */
const NAMES: Readonly<Record<Uefi, readonly (readonly [code: string, variables: string])[]>> = {
  efi64: [
    ["OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"],
    ["OVMF_CODE.4m.fd", "OVMF_VARS.4m.fd"],
    ["OVMF_CODE.fd", "OVMF_VARS.fd"],
  ],
  efi32: [
    ["OVMF32_CODE_4M.fd", "OVMF32_VARS_4M.fd"],
    ["OVMF32_CODE_4M.secboot.fd", "OVMF32_VARS_4M.fd"],
    ["OVMF32_CODE.fd", "OVMF32_VARS.fd"],
  ],
  arm64: [
    ["AAVMF_CODE.fd", "AAVMF_VARS.fd"],
    ["QEMU_EFI-pflash.raw", "vars-template-pflash.raw"],
  ],
};
const PACKAGES: Readonly<Record<Uefi, string>> = {
  efi64: "ovmf",
  efi32: "ovmf-ia32",
  arm64: "qemu-efi-aarch64",
};

/** The files as the packages installed them, or undefined. */
export function findFirmware(
  kind: Uefi,
  exists: (path: string) => boolean = existsSync,
): FirmwareFiles | undefined {
  for (const [codeName, variablesName] of NAMES[kind]) {
    for (const directory of DIRECTORIES) {
      const [code, variables] = [join(directory, codeName), join(directory, variablesName)];
      if (exists(code) && exists(variables)) return { code, variables };
    }
  }
  return undefined;
}

/**
 * Firmware for one guest, with its own copy of the variables in `directory`; a copy that is already there is kept,
 * since it is the memory of a machine that was switched off.
 * @throws Failure `firmware-missing`
 */
export async function prepareFirmware(
  { qemu }: GuestProfile,
  firmware: Firmware,
  directory: string,
): Promise<FirmwareFiles | undefined> {
  if (firmware !== "efi64" && firmware !== "efi32") return undefined;
  const kind: Uefi = qemu.system === "aarch64" ? "arm64" : firmware;
  const found = findFirmware(kind);
  if (!found) {
    return fail({
      code: "firmware-missing",
      what: `This machine has no UEFI firmware for QEMU (${qemu.system}, ${firmware === "efi64" ? "64" : "32"} bits).`,
      found: `looked in ${DIRECTORIES.join(", ")}`,
      hint: `apt-get install ${PACKAGES[kind]}`,
    });
  }
  const variables = join(directory, "uefi-variables.fd");
  if (!existsSync(variables)) await copyFile(found.variables, variables);
  return { code: found.code, variables };
}
