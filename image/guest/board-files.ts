// SPDX-License-Identifier: GPL-3.0-or-later
// Takes from CBOX-BOOT the files that the firmware of a board without BIOS or UEFI would load: QEMU has no such
// firmware, so it gets the same files and the same command line.
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { bootPartition } from "../disk/boot-partition.ts";
import type { BoardFiles, GuestProfile } from "./qemu.ts";

/**
 * @param disk raw image, or disk, that no guest is running on
 * @param directory where the files are put
 * @returns undefined for a machine that has firmware of its own
 * @throws Failure `board-files-missing`
 */
export async function boardFiles(
  { qemu }: GuestProfile,
  disk: string,
  directory: string,
): Promise<BoardFiles | undefined> {
  if (!qemu.device_tree) return undefined;
  const partition = await bootPartition(disk);
  const config = (await partition.get("config.txt")) ?? "";
  const commandLine = (await partition.get("cmdline.txt"))?.trim();
  const kernel = /^kernel=(\S+)$/m.exec(config)?.[1];
  const initrd = /^initramfs (\S+)$/m.exec(config)?.[1];
  if (!kernel || !initrd || !commandLine) {
    return fail({
      code: "board-files-missing",
      what: "CBOX-BOOT does not say which kernel to start.",
      found: `config.txt: kernel ${kernel ?? "none"}, initramfs ${initrd ?? "none"}; cmdline.txt: ${commandLine ?? "none"}`,
      hint: "build the image anew",
    });
  }
  const take = async (name: string, as: string) => {
    const target = join(directory, as);
    await partition.take(name, target);
    return target;
  };
  return {
    kernel: await take(kernel, "kernel"),
    initrd: await take(initrd, "initrd"),
    deviceTree: await take(`${qemu.device_tree}.dtb`, "device-tree"),
    commandLine,
  };
}
