// SPDX-License-Identifier: GPL-3.0-or-later
// The sandboxes of tinc and Avahi: drop-ins of the image, linked into the box's own units. A converted machine may
// use other VPNs, or Avahi with its own needs. Links, so that they are always those of the current image.

import { type Box, runOrFail } from "../host/box.ts";
import { paths } from "../host/paths.ts";

/** Takes effect at the unit's next start. Idempotent. */
export async function lockUp(box: Box, unit: string, program: "tinc" | "avahi"): Promise<void> {
  const target = paths.sandbox(program);
  const link = paths.sandboxOf(unit);
  if ((await box.readLink(link)) === target) return;
  await box.symlink(target, link);
  await runOrFail(box, "systemctl", ["daemon-reload"]);
}

/** When the box does not use the unit any more. Idempotent. */
export async function release(box: Box, unit: string): Promise<void> {
  const link = paths.sandboxOf(unit);
  if ((await box.readLink(link)) === undefined) return;
  await box.remove(link);
  await runOrFail(box, "systemctl", ["daemon-reload"]);
}
