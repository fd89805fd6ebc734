// SPDX-License-Identifier: GPL-3.0-or-later
// Which disk an answer refers to: by its name, its serial number, or "auto" for the only one.

import type { Disk, Disks } from "./disks.ts";

/** Values of `install.to` that are not disks. */
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

/** A disk's value in the answers: its serial number stays the same when the kernel numbers disks differently. */
export function answerFor(disk: Disk, { others }: Disks): string {
  const isOwn = others.filter(({ serial }) => serial === disk.serial).length === 1;
  return isOwn && /^[\w.:-]{4,64}$/.test(disk.serial) ? disk.serial : disk.name;
}
