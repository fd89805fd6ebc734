// SPDX-License-Identifier: GPL-3.0-or-later
// Upgrades a service that is on: packages from its place's sources, the images that the catalogue names now, and for
// those without a digest the current image of their tags. Needs a network; settings and data stay.

import type { Service } from "../../common/service.ts";
import { runOrFail } from "../host/box.ts";
import { fetchImages, startProject } from "./compose.ts";
import { activate, type EngineTools } from "./engine.ts";
import { upgradePackages } from "./packages.ts";
import { placeOf } from "./place.ts";
import type { ServiceState } from "./state.ts";

/** Fails as `activate` does. */
export async function upgrade(
  tools: EngineTools,
  service: Service,
  { where, inputs }: ServiceState,
): Promise<void> {
  const place = placeOf(tools.box, where);
  if (service.compose) {
    // Writes its files again, from the current catalogue.
    await activate(tools, service, { where, inputs });
    await fetchImages(place, service, { again: true });
    return startProject(place, service, "restart");
  }
  await upgradePackages(place, service);
  // Units that belong to the system are restarted by their packages.
  if (service.managed) await runOrFail(place, "systemctl", ["restart", ...service.units]);
}
