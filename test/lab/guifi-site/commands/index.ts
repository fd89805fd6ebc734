// SPDX-License-Identifier: GPL-3.0-or-later
// The commands of the API that a box can have a use for: one line each.
import { login } from "./auth.ts";
import type { Command } from "./call.ts";
import { addLink, unlink } from "./cloudy.ts";
import { addDevice, removeDevice, updateDevice } from "./device.ts";
import { addNode, models, nearestZone } from "./map.ts";
import {
  addService,
  getService,
  listServices,
  removeService,
  serviceTypes,
  updateService,
} from "./service.ts";

export const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["auth.login", login],
  ["device.add", addDevice],
  ["device.update", updateDevice],
  ["device.remove", removeDevice],
  ["cloudy.addlink", addLink],
  ["cloudy.unlink", unlink],
  ["service.add", addService],
  ["service.get", getService],
  ["service.update", updateService],
  ["service.remove", removeService],
  ["service.types", serviceTypes],
  ["service.list", listServices],
  ["cnml.clear", clearPages],
  ["node.add", addNode],
  ["zone.nearest", nearestZone],
  ["misc.model", models],
]);

/** Needs no login. Clears only the pages of the map from the cache. */
function clearPages({ state }: Parameters<Command>[0]): undefined {
  const ofMap = Object.keys(state.pages).filter((address) => address.includes("/guifi/cnml/"));
  for (const address of ofMap) delete state.pages[address];
  return undefined;
}
