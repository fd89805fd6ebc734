// SPDX-License-Identifier: GPL-3.0-or-later
// The owner's wishes for each service and their state: /etc/community-box/services.json, no secrets. Written before
// and after changes, so that they are resumed after a power cut.

import type { Value } from "../../common/json.ts";
import { parseJson } from "../../common/json.ts";
import type { PlaceId } from "../../common/service.ts";
import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import type { Trouble } from "../host/trouble.ts";

export interface ServiceState {
  /** `starting` and `stopping`: begun but not complete. */
  readonly state: "on" | "off" | "starting" | "stopping";
  readonly where: PlaceId;
  /** Announced to the community while it is on. */
  readonly published: boolean;
  readonly inputs: { readonly [name: string]: Value };
  readonly facts: { readonly [name: string]: string };
  /** Its number at the community's web site. */
  readonly declared?: string;
  /** For one whose first visitor becomes its administrator: see claim.ts. */
  readonly claimed?: boolean;
  /** Why it could not be switched on the last time: `what` with what was found, and the same as texts. */
  readonly trouble?: Pick<Trouble, "code" | "what" | "found" | "foundText" | "text">;
}

export type ServiceStates = { readonly [id: string]: ServiceState };

export async function readStates(box: Pick<Box, "readFile">): Promise<ServiceStates> {
  const text = (await box.readFile(paths.services)) ?? "{}";
  return parseJson<{ services?: ServiceStates }>(text, {}).services ?? {};
}

export async function writeState(box: Box, id: string, state: ServiceState): Promise<void> {
  await writeStates(box, { ...(await readStates(box)), [id]: state });
}

/** For a service that does not exist any more. */
export async function forgetState(box: Box, id: string): Promise<void> {
  const { [id]: _gone, ...others } = await readStates(box);
  await writeStates(box, others);
}

async function writeStates(box: Box, states: ServiceStates): Promise<void> {
  const services = Object.fromEntries(Object.entries(states).sort(([a], [b]) => (a < b ? -1 : 1)));
  const content = `${JSON.stringify({ version: 1, services }, undefined, 2)}\n`;
  if ((await box.readFile(paths.services)) !== content) await box.writeFile(paths.services, content);
}
