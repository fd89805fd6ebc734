// SPDX-License-Identifier: GPL-3.0-or-later
// Checks statically whether an image supports its board: each device of the profile has its module in the image's
// kernel, also in the initrd where the root disk depends on it, and its firmware file.
import { mkdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { initrdNames } from "../disk/initrd.ts";
import { type RootView, rootView } from "../disk/root-file-system.ts";
import type { DiskTools } from "../disk/tools.ts";
import type { ResolvedProfile } from "../profile/index.ts";

type Device = ResolvedProfile["hardware"]["devices"][number];

/** A kernel of the image, with its modules. */
export interface Kernel {
  readonly release: string;
  /** Pairs of alias and module, from modules.alias; no file lists the aliases of built-in modules. */
  readonly aliases: readonly (readonly [alias: string, module: string])[];
  readonly builtin: ReadonlySet<string>;
  /** Modules in the initrd. */
  readonly initrd: ReadonlySet<string>;
}

const FIRMWARE = "/usr/lib/firmware";

/** One sentence for each thing a device lacks. */
export async function checkHardware(
  tools: DiskTools,
  root: string,
  profile: ResolvedProfile,
  scratch: string,
): Promise<string[]> {
  const { devices } = profile.hardware;
  if (devices.length === 0) return [];
  const view = rootView(tools, root);
  const place = join(scratch, "hardware");
  await mkdir(place, { recursive: true });
  const findings: string[] = [];
  for (const release of await view.list("/usr/lib/modules")) {
    const kernel = await readKernel(tools, view, release, place);
    findings.push(
      ...devices.flatMap((device) => lackingModule(device, kernel, profile.kernel.package ?? "the kernel")),
    );
  }
  for (const device of devices) {
    for (const file of device.firmware ?? []) {
      if (await hasFirmware(view, file)) continue;
      const cure = device.package ? `the package ${device.package} has it` : "no package is named for it";
      findings.push(`${device.name} (${device.id}) needs the firmware ${file}, which is not there; ${cure}`);
    }
  }
  return findings;
}

/** What is wrong with the module of a device, at most one sentence. */
export function lackingModule(device: Device, kernel: Kernel, kernelPackage: string): string[] {
  const { name, id, module, root } = device;
  if (kernel.builtin.has(module)) return [];
  const pattern = aliasPattern(id);
  const claimants = new Set(
    kernel.aliases.filter(([alias]) => pattern.test(alias)).map(([, claimant]) => claimant),
  );
  if (!claimants.has(module)) {
    const others = claimants.size > 0 ? `; it would be driven by ${[...claimants].join(", ")}` : "";
    return [
      `${name} (${id}): no module ${module} of the kernel ${kernel.release} claims it${others}; the package ${kernelPackage} should have it`,
    ];
  }
  if (root && !kernel.initrd.has(module)) {
    return [
      `${name} (${id}): the module ${module} is not in the initrd, so the root file system behind it is not found; add it to kernel.initramfs_modules`,
    ];
  }
  return [];
}

/**
 * Matches the aliases in modules.alias that claim a device. Fields that the id does not give match anything; vendor
 * and device may be wildcards only when the id gives the class.
 */
export function aliasPattern(id: string): RegExp {
  const [bus = "", ...parts] = id.split(":");
  const [a = "", b = "", type] = parts.map((part) => part.toUpperCase());
  const any = (value: string) => (type === undefined ? value : `(?:${value}|\\*)`);
  const byte = (index: number) =>
    type === undefined ? ".*" : `(?:${type.slice(2 * index, 2 * index + 2)}|\\*)`;
  switch (bus) {
    case "pci":
      return new RegExp(
        `^pci:v${any(`0000${a}`)}d${any(`0000${b}`)}sv.*sd.*bc${byte(0)}sc${byte(1)}i${byte(2)}\\*?$`,
      );
    case "usb":
      return new RegExp(`^usb:v${any(a)}p${any(b)}d.*ic${byte(0)}isc${byte(1)}ip${byte(2)}in.*$`);
    case "sdio":
      return new RegExp(`^sdio:c.*v${a}d${b}\\*$`);
    case "acpi":
      return new RegExp(`^acpi\\*:${a}:\\*$`);
    case "virtio":
      return new RegExp(`^virtio:d${Number(a).toString(16).toUpperCase().padStart(8, "0")}v\\*$`);
    case "of":
      return new RegExp(`^of:N.*T.*C${literal(parts.join(":"))}(?:C\\*)?$`);
    default:
      return new RegExp(`^${literal(id)}$`);
  }
}

async function readKernel(tools: DiskTools, view: RootView, release: string, place: string): Promise<Kernel> {
  const modules = `/usr/lib/modules/${release}`;
  const text = async (path: string) => {
    const target = join(place, basename(path));
    await view.copy(path, target);
    return readFile(target, "utf8").catch(() => "");
  };
  const alias = await text(`${modules}/modules.alias`);
  const aliases = [...alias.matchAll(/^alias (.+) (\S+)$/gm)].map(([, a = "", m = ""]) => [a, m] as const);
  const builtin = (await text(`${modules}/modules.builtin`)).split("\n").map(moduleName);
  const initrd = await view.resolve(`/boot/initrd.img-${release}`);
  const packed = join(place, "initrd");
  if (initrd) await view.copy(initrd, packed);
  const files = initrd ? await initrdNames(tools, packed) : [];
  return {
    release,
    aliases,
    builtin: new Set(builtin),
    initrd: new Set(files.filter((file) => /\.ko(\.\w+)?$/.test(file)).map(moduleName)),
  };
}

/** `kernel/drivers/mmc/core/mmc_block.ko.xz` -> `mmc_block`; the kernel writes hyphens as underscores. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, "")
    .replaceAll("-", "_");
}

/** Whether the firmware file is there, plain or in a compression that the kernel unpacks itself. */
async function hasFirmware(view: RootView, file: string): Promise<boolean> {
  for (const suffix of ["", ".xz", ".zst"]) {
    if (await view.resolve(`${FIRMWARE}/${file}${suffix}`)) return true;
  }
  return false;
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
