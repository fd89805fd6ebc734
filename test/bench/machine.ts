// SPDX-License-Identifier: GPL-3.0-or-later
// The machine that a benchmark ran on, for the head of its page.
import { cpus, totalmem } from "node:os";
import { kvmWorks } from "../../image/doctor/index.ts";

export async function thisMachine(): Promise<string> {
  const [{ model } = { model: "" }] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores (${model.trim()}), ${memory} GiB, ${(await kvmWorks()) ? "KVM" : "QEMU's TCG, no KVM"}`;
}
