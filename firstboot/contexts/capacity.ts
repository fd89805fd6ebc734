// SPDX-License-Identifier: GPL-3.0-or-later
// Resources inside a context: its own container may use everything that no other instance has. A sliver takes its
// share from that container and returns it, so that nothing is unused and the total is never exceeded.

import type { Box } from "../host/box.ts";
import { type Config, type Instance, instancesOf, parseMib, send } from "./incus.ts";
import type { ContextId } from "./names.ts";
import { LEAST } from "./plan.ts";

/** The share of one instance. MiB. */
export interface Part {
  readonly memoryMib: number;
  readonly diskMib: number;
  readonly processes: number;
}

export function partOf({ expanded_config, expanded_devices }: Instance): Part {
  return {
    memoryMib: parseMib(expanded_config["limits.memory"]) ?? 0,
    diskMib: parseMib(expanded_devices.root?.size) ?? 0,
    processes: Number(expanded_config["limits.processes"] ?? 0),
  };
}

/** What remains of a context for its own container beside these instances. */
export function remainder(limits: Part, others: readonly Part[]): Part {
  const sum = (amount: keyof Part) => others.reduce((total, part) => total + part[amount], 0);
  return {
    memoryMib: limits.memoryMib - sum("memoryMib"),
    diskMib: limits.diskMib - sum("diskMib"),
    processes: limits.processes - sum("processes"),
  };
}

/** The first resource of which the context's own container would have too little; undefined when there is enough. */
export function lacking(left: Part): keyof Part | undefined {
  return (["memoryMib", "diskMib", "processes"] as const).find((amount) => left[amount] < LEAST[amount]);
}

/** Gives the context's own container everything that no other instance has. */
export async function balance(
  box: Box,
  id: ContextId,
  limits: Part,
  extra: readonly Part[] = [],
): Promise<void> {
  const instances = await instancesOf(box, id);
  const own = instances.find(({ name }) => name === id);
  if (!own) return;
  const others = instances.filter(({ name }) => name !== id).map(partOf);
  const left = remainder(limits, [...others, ...extra]);
  const config = settings(left);
  const root = { ...(own.expanded_devices.root ?? {}), size: `${left.diskMib}MiB` };
  const isSet = Object.entries(config).every(([key, value]) => own.config[key] === value);
  if (isSet && own.devices.root?.size === root.size) return;
  await send(box, "PATCH", `/1.0/instances/${id}?project=${id}`, {
    config,
    devices: { ...own.devices, root },
  });
}

export function settings({ memoryMib, processes }: Pick<Part, "memoryMib" | "processes">): Config {
  return { "limits.memory": `${memoryMib}MiB`, "limits.processes": String(processes) };
}
