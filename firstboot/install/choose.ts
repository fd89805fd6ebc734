// SPDX-License-Identifier: GPL-3.0-or-later
// Which disk is meant by what was answered: its name, its serial number, or "auto" for the only one there is.

import type { Disk, Disks } from "./disks.ts";

/** Answers of `install.to` that are no disk. */
export const HERE = "here";
export const AUTO = "auto";

export type Choice = Disk | "none" | "ambiguous" | "unknown";

export function chooseDisk({ candidates, others, source }: Disks, to: string): Choice {
  if (to === AUTO) {
    const [only, ...more] = candidates;
    return more.length > 0 ? "ambiguous" : (only ?? "none");
  }
  const all = [...others, ...(source ? [source] : [])];
  const bySerial = all.filter(({ serial }) => serial !== "" && serial === to);
  if (bySerial.length > 1) return "ambiguous";
  return bySerial[0] ?? all.find(({ name, path }) => name === to || path === to) ?? "unknown";
}

/** What stands for a disk in the answers: the serial number stays when the kernel counts in another order. */
export function answerFor(disk: Disk, { others }: Disks): string {
  const isOwn = others.filter(({ serial }) => serial === disk.serial).length === 1;
  return isOwn && /^[\w.:-]{4,64}$/.test(disk.serial) ? disk.serial : disk.name;
}
