// SPDX-License-Identifier: GPL-3.0-or-later
// Newer software for a service that is on: packages from where the box has its own, images that the catalogue names by
// now, and of those without a digest what their tags point to by now. Both need a network; settings and data stay.

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
    // Its files are of the catalogue that the box had when they were written.
    await activate(tools, service, { where, inputs });
    await fetchImages(place, service, { again: true });
    return startProject(place, service, "restart");
  }
  await upgradePackages(place, service);
  // What belongs to the system is restarted by its packages.
  if (service.managed) await runOrFail(place, "systemctl", ["restart", ...service.units]);
}
