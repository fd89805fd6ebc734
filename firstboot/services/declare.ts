// SPDX-License-Identifier: GPL-3.0-or-later
// Declares a service to the community's web site, if that has such a type and the box is registered. A service that
// is not declared runs all the same: the step warns about it.

import { Failure } from "../../common/fail.ts";
import type { PlaceId, Service } from "../../common/service.ts";
import { GuifiApi } from "../guifi/api.ts";
import type { Credentials } from "../guifi/credentials.ts";
import { NAME_LONGEST } from "../guifi/names.ts";
import { declareService } from "../guifi/services.ts";
import { readRegistration } from "../guifi/store.ts";
import type { Tools } from "../host/tools.ts";
import { templateData } from "./data.ts";
import { placeOf } from "./place.ts";
import type { ServiceState } from "./state.ts";
import { renderer } from "./template.ts";

/**
 * The declared number of the service, if it has or gets one. Called before its files are written, which may contain
 * it. Without a member's credentials only an earlier declaration is found.
 */
export async function declare(
  tools: Pick<Tools, "box" | "image" | "progress">,
  findCredentials: () => Credentials | undefined,
  service: Service,
  where: PlaceId,
  inputs: ServiceState["inputs"],
): Promise<{ readonly declared?: string }> {
  const { box, image, progress } = tools;
  const { device, services = {} } = await readRegistration(box);
  if (!service.guifi || !device) return {};
  const state = { state: "starting", where, inputs, published: true, facts: {} } as const;
  const data = await templateData(tools, service, placeOf(box, where), state);
  const render = await renderer();
  const [name, nick] = [service.guifi.name, service.guifi.nick].map((each) =>
    render(each, data, "guifi").slice(0, NAME_LONGEST),
  );
  if (name === undefined || nick === undefined) return {};
  const known = services[nick];
  if (known) return { declared: String(known.id) };
  const credentials = findCredentials();
  if (!credentials) return {};
  progress(`progress.services.declare.${service.id}` as "progress.services.declare");
  try {
    const api = new GuifiApi(box, image, credentials);
    const id = await declareService({ box, image, api }, { type: service.guifi.type, name, nick });
    return { declared: String(id) };
  } catch (error) {
    if (error instanceof Failure) return {};
    throw error;
  }
}
