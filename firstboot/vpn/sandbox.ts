// SPDX-License-Identifier: GPL-3.0-or-later
// The sandboxes of tinc and Avahi: drop-ins of the image, which the set-up links into the units that are the box's own. A
// converted machine may be in other VPNs, or have an Avahi of its own, with needs that nobody here knows. Links, so that a
// box that is set up has the sandboxes of the image it has now.

import { type Box, runOrFail } from "../host/box.ts";
import { paths } from "../host/paths.ts";

/** From the next start of the unit on. Idempotent. */
export async function lockUp(box: Box, unit: string, program: "tinc" | "avahi"): Promise<void> {
  const target = paths.sandbox(program);
  const link = paths.sandboxOf(unit);
  if ((await box.readLink(link)) === target) return;
  await box.symlink(target, link);
  await runOrFail(box, "systemctl", ["daemon-reload"]);
}

/** When the unit is not the box's any more. Idempotent. */
export async function release(box: Box, unit: string): Promise<void> {
  const link = paths.sandboxOf(unit);
  if ((await box.readLink(link)) === undefined) return;
  await box.remove(link);
  await runOrFail(box, "systemctl", ["daemon-reload"]);
}
