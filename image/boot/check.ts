// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the files that a finished image needs to start: each boot loader, the kernel and initrd that it names, the
// kernel's modules, and the root file system on the kernel's command line.

import type { ImageFiles } from "../disk/image-files.ts";
import { SECTOR } from "../disk/layout.ts";
import type { DiskManifest } from "../published/manifest.ts";
import { loadersOf } from "./efi.ts";
import { readsMbr, startsAt } from "./raspberry-pi.ts";

type Subject = Pick<DiskManifest, "profile" | "disk">;

/** What is wrong, as sentences. */
export async function checkBoot(files: ImageFiles, { profile, disk }: Subject): Promise<string[]> {
  const firmware = new Set<string>(profile.boot.firmware);
  const findings = [...(await checkBios(files, disk)), ...(await checkEfi(files, profile))];
  const isRaspberryPi = readsMbr(firmware);
  const boot = isRaspberryPi ? await checkRaspberryPi(files, { profile, disk }) : await checkGrub(files);
  return [...findings, ...boot.findings, ...(await checkKernel(files, profile, boot.release))];
}

/** Which kernel starts, and what is wrong with the files that lead to it. */
interface BootPath {
  readonly findings: string[];
  /** Version of the kernel, such as 6.12.107+deb13-arm64. */
  readonly release: string | undefined;
}

async function checkBios(files: ImageFiles, { partitions }: DiskManifest["disk"]): Promise<string[]> {
  const { bios } = partitions;
  if (!bios) return [];
  const findings: string[] = [];
  const head = await files.disk(0, SECTOR);
  const core = await files.disk(bios.start * SECTOR, SECTOR);
  if (head.readUInt16LE(510) !== 0xaa55) findings.push("the boot sector has no signature");
  if (head.readBigUInt64LE(0x5c) !== BigInt(bios.start))
    findings.push("the boot sector does not point at GRUB's core image");
  if (core.readBigUInt64LE(0x1f4) !== BigInt(bios.start + 1))
    findings.push("GRUB's core image is not in the BIOS boot partition");
  return findings;
}

async function checkEfi(files: ImageFiles, profile: DiskManifest["profile"]): Promise<string[]> {
  const findings: string[] = [];
  for (const { path, machine, firmware } of loadersOf(profile)) {
    const loader = await files.boot(path);
    if (!loader) findings.push(`CBOX-BOOT lacks /${path}`);
    else if (loader.length < 64 || loader.readUInt16LE(loader.readUInt32LE(0x3c) + 4) !== machine)
      findings.push(`/${path} is not a loader for ${firmware}`);
  }
  return findings;
}

async function checkGrub(files: ImageFiles): Promise<BootPath> {
  const findings: string[] = [];
  const path = "EFI/debian/grub.cfg";
  const configuration = (await files.boot(path))?.toString();
  if (configuration === undefined) return { findings: [`CBOX-BOOT lacks /${path}`], release: undefined };
  const listed = [...configuration.matchAll(/^\s*(linux|initrd)\s+(\S+)/gm)].map((match) => match[2]!);
  if (listed.length === 0) findings.push("the boot loader's configuration names no kernel");
  let release: string | undefined;
  for (const name of listed.filter((each) => !each.endsWith(".old"))) {
    const real = await files.realPath(name);
    if (!real)
      findings.push(`the boot loader's configuration names ${name}, which is not in the root file system`);
    release ??= /vmlinuz-(.+)$/.exec(real ?? "")?.[1];
  }
  findings.push(...(await checkRootLabel(files, configuration)));
  return { findings, release };
}

async function checkRaspberryPi(files: ImageFiles, { profile, disk }: Subject): Promise<BootPath> {
  const findings: string[] = [];
  if (!startsAt(await files.disk(0, SECTOR), disk.partitions.boot))
    findings.push("the boot sector's table does not lead to CBOX-BOOT, so no board finds it");
  const wanted = [
    ...(profile.boot.firmware.includes("videocore") ? VIDEOCORE_FILES : []),
    ...profile.boot.device_trees.map((name) => `${name}.dtb`),
  ];
  for (const path of wanted) if (!(await files.boot(path))) findings.push(`CBOX-BOOT lacks /${path}`);

  const config = (await files.boot("config.txt"))?.toString() ?? "";
  if (!/^arm_64bit=1$/m.test(config)) findings.push("config.txt does not say arm_64bit=1");
  if (!/^enable_uart=1$/m.test(config))
    findings.push("config.txt does not say enable_uart=1: no serial console");
  const kernel = /^kernel=(\S+)$/m.exec(config)?.[1];
  const initrd = /^initramfs (\S+)$/m.exec(config)?.[1];
  for (const [what, name] of [["kernel", kernel] as const, ["initrd", initrd] as const]) {
    if (!name) findings.push(`config.txt names no ${what}`);
    else findings.push(...(await checkCopy(files, name)));
  }

  const consoles = profile.consoles.map((console) => `console=${console.kernel}`);
  const cmdline = (await files.boot("cmdline.txt"))?.toString() ?? "";
  const words = cmdline.trim().split(/\s+/);
  const found = words.filter((word) => word.startsWith("console="));
  if (found.join() !== consoles.join())
    findings.push(`cmdline.txt says ${found.join(" ") || "no console"}, expected ${consoles.join(" ")}`);
  for (const word of [...profile.kernel.arguments, "rootwait"])
    if (!words.includes(word)) findings.push(`cmdline.txt lacks ${word}`);
  for (const word of words.filter((each) => each.startsWith("cma=")))
    findings.push(`cmdline.txt says ${word}, with which a Pi 4 does not start`);
  findings.push(...(await checkRootLabel(files, cmdline)));

  // The package that writes both files again when the kernel is updated on the box.
  const settings = (await files.root("/etc/default/raspi-firmware"))?.toString() ?? "";
  const lasting = [`CONSOLES="${profile.consoles.map((console) => console.kernel).join(" ")}"`, "CMA=0"];
  for (const line of [...lasting, `ROOTPART="LABEL=${await files.rootLabel()}"`])
    if (!settings.split("\n").includes(line)) findings.push(`/etc/default/raspi-firmware lacks ${line}`);
  return { findings, release: /^vmlinuz-(.+)$/.exec(kernel ?? "")?.[1] };
}

/** What the boot ROM and the firmware of boards before the Pi 5 load from the card. */
const VIDEOCORE_FILES = ["bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat"];

/** The firmware reads a copy of what Debian keeps in /boot. */
async function checkCopy(files: ImageFiles, name: string): Promise<string[]> {
  const [copy, original] = [await files.boot(name), await files.root(`/boot/${name}`)];
  if (!copy) return [`config.txt names ${name}, which is not on CBOX-BOOT`];
  if (!original?.equals(copy)) return [`${name} on CBOX-BOOT is not the same as /boot/${name}`];
  return [];
}

async function checkRootLabel(files: ImageFiles, text: string): Promise<string[]> {
  const label = /root=LABEL=(\S+)/.exec(text)?.[1] ?? "";
  if (label !== "" && label === (await files.rootLabel())) return [];
  return [`the kernel is told root=LABEL=${label}, but the root file system has another label`];
}

async function checkKernel(
  files: ImageFiles,
  { kernel }: DiskManifest["profile"],
  release: string | undefined,
): Promise<string[]> {
  if (!release) return [];
  const modules = `/usr/lib/modules/${release}`;
  const list = async (file: string) => (await files.root(`${modules}/${file}`))?.toString() ?? "";
  const [loadable, builtIn] = [await list("modules.dep"), await list("modules.builtin")];
  if (loadable === "") return [`the kernel ${release} has no modules in the root file system`];
  const names = new Set(
    `${loadable}\n${builtIn}`
      .split("\n")
      .map((line) => /([^/:]+)\.ko/.exec(line)?.[1]?.replaceAll("-", "_") ?? ""),
  );
  const findings = kernel.initramfs_modules
    .filter((name) => !names.has(name.replaceAll("-", "_")))
    .map((name) => `the kernel ${release} has no module ${name}`);
  if (kernel.minimum && !isAtLeast(release, kernel.minimum))
    findings.push(`the kernel is ${release}, but this hardware needs ${kernel.minimum} or newer`);
  return findings;
}

/** Compares versions number by number: 6.18 is newer than 6.9. */
export function isAtLeast(version: string, minimum: string): boolean {
  const [have, want] = [version, minimum].map((text) =>
    text.split(/[.-]/).map((part) => Number.parseInt(part, 10)),
  );
  for (const [index, number] of want!.entries()) {
    const own = have![index] || 0;
    if (own !== number) return own > number;
  }
  return true;
}
