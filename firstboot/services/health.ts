// SPDX-License-Identifier: GPL-3.0-or-later
// Does a service work? Its units run, its ports listen (for a context: on the box, too), and its own check, if it has
// one, succeeds.

import type { Service } from "../../common/service.ts";
import { faultsOfProject } from "./compose.ts";
import { templateData } from "./data.ts";
import { type EngineTools, portsOf } from "./engine.ts";
import { isReachable, type Place, type Port, placeOf } from "./place.ts";
import { numbersOf } from "./ports.ts";
import type { ServiceState } from "./state.ts";
import { renderer } from "./template.ts";

const WAIT_SECONDS = 60;

/** What is wrong, such as "unit squid.service" or "port tcp/3128"; empty if nothing is. */
export async function faultsOf(tools: EngineTools, service: Service, state: ServiceState): Promise<string[]> {
  const place = placeOf(tools.box, state.where);
  const data = { community: tools.image.community, inputs: state.inputs };
  return [
    ...(await deadUnits(place, service)),
    ...(service.compose ? await faultsOfProject(place, service) : []),
    ...(await silentPorts(tools, place, portsOf(service, data, state))),
    ...(service.health.run ? await failedCheck(tools, service, place, state) : []),
  ];
}

/** Seconds between two checks. */
const LOOK_SECONDS = 2;

/**
 * Waits for a service that was just started. Returns what is still wrong at the end. Limits the number of checks and
 * not the time, so that a slow box gets more time.
 */
export async function waitUntilHealthy(
  tools: EngineTools,
  service: Service,
  state: ServiceState,
  signal?: AbortSignal,
): Promise<string[]> {
  const wait = service.health.wait_seconds ?? WAIT_SECONDS;
  for (let waited = 0; ; waited += LOOK_SECONDS) {
    const faults = await faultsOf(tools, service, state);
    if (faults.length === 0 || waited >= wait) return faults;
    await tools.box.sleep(LOOK_SECONDS * 1000, signal);
  }
}

async function deadUnits(place: Place, service: Service): Promise<string[]> {
  const dead: string[] = [];
  for (const unit of service.units) {
    const { code } = await place.run("systemctl", ["is-active", "--quiet", unit]);
    if (code !== 0) dead.push(`unit ${unit}`);
  }
  return dead;
}

async function silentPorts({ box }: EngineTools, place: Place, ports: readonly Port[]): Promise<string[]> {
  if (ports.length === 0) return [];
  const listening = await place.listening();
  const silent: string[] = [];
  for (const port of ports) {
    const name = `${port.protocol}/${numbersOf(port)}`;
    // In a range, ports are opened for single connections: none has to listen now.
    const answers = port.last !== undefined || listening.has(name);
    const isUp = answers && (!port.public || (await isReachable(box, port)));
    if (!isUp) silent.push(`port ${name}`);
  }
  return silent;
}

async function failedCheck(
  tools: EngineTools,
  service: Service,
  place: Place,
  state: ServiceState,
): Promise<string[]> {
  const [render, data] = [await renderer(), await templateData(tools, service, place, state)];
  const [command = "", ...args] = (service.health.run ?? []).map((word) => render(word, data, "health.run"));
  const { code } = await place.run(command, args);
  return code === 0 ? [] : [`check ${command}`];
}
