// SPDX-License-Identifier: GPL-3.0-or-later
// Removes the registration from the box. The device stays at the site, where only its member may change it, and is
// found again by its MAC address. `cbox node leave` removes it before.

import { remember } from "../../guifi/store.ts";
import type { Box } from "../../host/box.ts";

export async function reset(box: Box): Promise<void> {
  await remember(box, {
    licence: undefined,
    node: undefined,
    device: undefined,
    former: undefined,
    services: undefined,
  });
}
