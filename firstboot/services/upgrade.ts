// SPDX-License-Identifier: GPL-3.0-or-later
// Newer software for a service that is on: packages from where the box has its own, images of the same names from their
// registries. Both need a network; settings and data stay.

import type { Service } from "../../common/service.ts";
import { must } from "../box.ts";
import { fetchImages, startProject } from "./compose.ts";
import type { EngineTools } from "./engine.ts";
import { upgradePackages } from "./packages.ts";
import { placeOf } from "./place.ts";
import type { ServiceState } from "./state.ts";

/** Fails with `service-packages`, `service-images`, `compose-start`, `command-failed`. */
export async function upgrade(
  { box }: EngineTools,
  service: Service,
  { where }: ServiceState,
): Promise<void> {
  const place = placeOf(box, where);
  if (service.compose) {
    await fetchImages(place, service, { again: true });
    return startProject(place, service, "restart");
  }
  await upgradePackages(place, service);
  // What belongs to the system is restarted by its packages.
  if (service.managed) await must(place, "systemctl", ["restart", ...service.units]);
}
