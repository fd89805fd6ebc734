// SPDX-License-Identifier: GPL-3.0-or-later
// Who is in the VPN, as a rendezvous keeps it. Pure: the program around it speaks HTTP and writes the file.
import { GATEWAY_NUMBER, type VpnNode, type VpnPlan } from "./plan.ts";

export interface Registration {
  readonly mac: string;
  readonly hostname: string;
  readonly address?: string;
  readonly port: number;
  readonly publicKey: string;
}

export interface Registered {
  readonly nodes: readonly VpnNode[];
  readonly node: VpnNode;
}

const LAST_NUMBER = 254;

/** A box is known by its MAC address: one that asks again keeps name and address. Undefined: the range is full. */
export function register(
  plan: VpnPlan,
  nodes: readonly VpnNode[],
  { mac: sent, hostname, address, port, publicKey }: Registration,
): Registered | undefined {
  const mac = sent.toUpperCase().replaceAll("-", ":");
  const known = nodes.find((node) => node.mac === mac);
  const number = known?.number ?? Math.max(GATEWAY_NUMBER, ...nodes.map((node) => node.number)) + 1;
  if (number > LAST_NUMBER) return undefined;
  const taken = [plan.gateway.name, ...nodes.map((node) => node.name)];
  const node: VpnNode = {
    name: known?.name ?? freeName(hostname, taken),
    mac,
    hostname,
    number,
    ...(address ? { address } : {}),
    port,
    publicKey,
  };
  return { nodes: [...nodes.filter((other) => other !== known), node], node };
}

/** The host name as tinc can have it; a counter behind it when somebody else has it already. */
function freeName(hostname: string, taken: readonly string[]): string {
  const name = hostname.replace(/[-.]/g, "_");
  if (!taken.includes(name)) return name;
  for (let count = 1; ; count++) if (!taken.includes(`${name}${count}`)) return `${name}${count}`;
}
