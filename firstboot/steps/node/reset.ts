// SPDX-License-Identifier: GPL-3.0-or-later
// Forgets the registration. The device stays at the site, which only its member may change, and is found again by its
// MAC address. Who wants it gone is asked before (`cbox node leave`).

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
