// SPDX-License-Identifier: GPL-3.0-or-later
// What the owner wants of each service and how far that has come: /etc/community-box/services.json, no secrets. Written
// before and after the effects, so that a power cut in between is seen and the work is taken up.

import type { Value } from "../../common/json.ts";
import { parseJson } from "../../common/json.ts";
import type { PlaceId } from "../../common/service.ts";
import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import type { Trouble } from "../host/trouble.ts";

export interface ServiceState {
  /** `starting` and `stopping`: begun and not finished. */
  readonly state: "on" | "off" | "starting" | "stopping";
  readonly where: PlaceId;
  /** Announced to the community while it is on. */
  readonly published: boolean;
  readonly inputs: { readonly [name: string]: Value };
  readonly facts: { readonly [name: string]: string };
  /** Number under which the community's web application knows it. */
  readonly declared?: string;
  /** Of one whose first visitor becomes its administrator: see claim.ts. */
  readonly claimed?: boolean;
  /** Why the last attempt to switch it on failed: `what` with what was found, and the same as texts. */
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

/** Of a service that is not known any more. */
export async function forgetState(box: Box, id: string): Promise<void> {
  const { [id]: _gone, ...others } = await readStates(box);
  await writeStates(box, others);
}

async function writeStates(box: Box, states: ServiceStates): Promise<void> {
  const services = Object.fromEntries(Object.entries(states).sort(([a], [b]) => (a < b ? -1 : 1)));
  const content = `${JSON.stringify({ version: 1, services }, undefined, 2)}\n`;
  if ((await box.readFile(paths.services)) !== content) await box.writeFile(paths.services, content);
}
