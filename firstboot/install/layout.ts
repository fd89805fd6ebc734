// SPDX-License-Identifier: GPL-3.0-or-later
// The partition table of the new disk: that of the image, with new identifiers. The positions are the same, since
// GRUB's boot code contains its own position.

import { fail } from "../../common/fail.ts";
import { parseJson } from "../../common/json.ts";
import { type Box, runOrFail } from "../host/box.ts";
import { sayFound } from "../host/found-text.ts";
import type { Disk } from "./disks.ts";

/** GPT type of a BIOS boot partition. */
const BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649";
const SECTORS_PER_MIB = 2048;
const MIB = 1024 * 1024;

export interface TablePart {
  readonly node: string;
  /** In sectors of 512 bytes. */
  readonly start: number;
  readonly size: number;
  readonly type: string;
  readonly name: string;
}

/** The partitions of the running system on its disk; each has the same number on the new one. */
export interface SystemLayout {
  /** Undefined on a box that starts by UEFI only. */
  readonly bios?: number;
  readonly boot: number;
  readonly root: number;
  readonly parts: readonly TablePart[];
}

/** Fails with `install-source-unknown`. */
export async function readLayout(box: Box, source: Disk, bootMount: string): Promise<SystemLayout> {
  const { stdout } = await box.run("sfdisk", ["--json", source.path]);
  const mountedAt = (point: string) =>
    source.partitions.find(({ mountPoints }) => mountPoints.includes(point))?.path;
  const layout = systemLayout(stdout, mountedAt("/"), mountedAt(bootMount));
  return (
    layout ??
    fail({
      code: "install-source-unknown",
      what: "The stick that the box started from is not laid out as the image is.",
      ...(mountedAt(bootMount)
        ? sayFound("found.partitions-of", { disk: source.path })
        : sayFound("found.not-mounted", { path: bootMount })),
      hint: "Write the image to the stick again, and start again.",
    })
  );
}

export function systemLayout(
  json: string,
  rootNode: string | undefined,
  bootNode: string | undefined,
): SystemLayout | undefined {
  const { partitiontable: table } = parseJson<{
    partitiontable?: { label?: string; partitions?: readonly Partial<TablePart>[] };
  }>(json, {});
  const parts = (table?.partitions ?? []).map(({ node = "", start = 0, size = 0, type = "", name = "" }) => ({
    ...{ node, start, size, type, name },
  }));
  const numberOf = (node: string | undefined) => parts.findIndex((part) => part.node === node) + 1;
  const [root, boot] = [numberOf(rootNode), numberOf(bootNode)];
  if (table?.label !== "gpt" || !root || !boot || root < boot) return undefined;
  const bios = parts.findIndex(({ type }) => type.toUpperCase() === BIOS_BOOT) + 1;
  return { ...(bios ? { bios } : {}), boot, root, parts: parts.slice(0, root) };
}

/**
 * MiB of the new root partition: its content, and spare space until it grows at the restart.
 * @param used bytes in the running root file system
 */
export function rootMib(used: number): number {
  return Math.ceil((used / MIB) * 1.1) + 320;
}

/** Input for sfdisk, which generates new identifiers for the disk and its partitions. */
export function tableScript({ parts, root }: SystemLayout, mib: number): string {
  const lines = parts.map(({ start, size, type, name }, index) => {
    const sectors = index + 1 === root ? mib * SECTORS_PER_MIB : size;
    return `${index + 1} : start=${start}, size=${sectors}, type=${type}, name="${name}"`;
  });
  return ["label: gpt", "unit: sectors", "first-lba: 34", "", ...lines, ""].join("\n");
}

/** Whether everything fits on the disk, including the second copy of the table at its end. */
export function hasRoom({ parts, root }: SystemLayout, mib: number, disk: Disk): boolean {
  const start = parts[root - 1]?.start ?? 0;
  return (start / SECTORS_PER_MIB + mib + 1) * MIB <= disk.bytes;
}

/** Erases the disk: all signatures, and the first sectors, so that it is not bootable any more. */
export async function wipe(box: Box, disk: Disk): Promise<void> {
  const forget = (...paths: string[]) => runOrFail(box, "wipefs", ["--all", "--force", "--quiet", ...paths]);
  // Before the table: without a table the kernel has no partition devices to open.
  const parts = disk.partitions.map(({ path }) => path);
  if (parts.length > 0) await forget(...parts);
  await runOrFail(box, "dd", ["if=/dev/zero", `of=${disk.path}`, "bs=1M", "count=2", "conv=notrunc,fsync"]);
  await runOrFail(box, "udevadm", ["settle", "--timeout=3600"]);
  await forget(disk.path);
  // While udev reads a disk that was just written, the kernel accepts no new table.
  await runOrFail(box, "udevadm", ["settle", "--timeout=3600"]);
}

/** Resolves to the new GUID of the table, lower case. */
export async function writeTable(box: Box, disk: Disk, script: string): Promise<string> {
  await runOrFail(
    box,
    "sfdisk",
    ["--quiet", "--lock=yes", "--wipe", "always", "--wipe-partitions", "always", disk.path],
    {
      input: script,
    },
  );
  await runOrFail(box, "udevadm", ["settle", "--timeout=3600"]);
  const id = await runOrFail(box, "sfdisk", ["--disk-id", disk.path]);
  return id.trim().toLowerCase();
}
