// SPDX-License-Identifier: GPL-3.0-or-later
// The two forms of a rendezvous' reply. The script is what boxes of 2014 ran as root; ours must not.
import { addressIn, GATEWAY_ADDRESS, GATEWAY_NUMBER, type VpnNode, type VpnPlan } from "./plan.ts";

/** Means "not set" in the older form: tinc then takes its own, 655. */
const UNSET_PORT = 665;
const TINC_PORT = 655;

export interface Neighbour {
  readonly name: string;
  readonly inside: string;
  readonly address?: string;
  readonly port: number;
  readonly publicKey: string;
}

/** Everybody else, the gateway first. */
export function neighbours(plan: VpnPlan, nodes: readonly VpnNode[], own: VpnNode): Neighbour[] {
  const gateway: Neighbour = {
    name: plan.gateway.name,
    inside: addressIn(plan, GATEWAY_NUMBER),
    address: GATEWAY_ADDRESS,
    port: TINC_PORT,
    publicKey: plan.gateway.publicKey,
  };
  return [gateway, ...nodes.filter(({ name }) => name !== own.name).map((node) => asNeighbour(plan, node))];
}

export function jsonReply(plan: VpnPlan, nodes: readonly VpnNode[], own: VpnNode): object {
  return {
    name: own.name,
    address: `${addressIn(plan, own.number)}/24`,
    mode: plan.mode,
    port: own.port,
    hosts: neighbours(plan, nodes, own).map(({ name, inside, address, port, publicKey }) => ({
      name,
      ...(address ? { address, port } : {}),
      subnets: [`${inside}/32`],
      key: publicKey,
    })),
  };
}

export function scriptReply(plan: VpnPlan, nodes: readonly VpnNode[], own: VpnNode): string {
  const base = `/etc/tinc/${plan.network}`;
  const others = neighbours(plan, nodes, own);
  const inside = `${addressIn(plan, own.number)}/24`;
  return [
    "#!/bin/sh",
    "",
    `mkdir -p ${base}`,
    ...document(`${base}/tinc.conf`, [
      ...others.filter(({ address }) => address).map(({ name }) => `ConnectTo=${name}`),
      "Device=/dev/net/tun",
      `Mode=${plan.mode}`,
      `Name=${own.name}`,
      ...portLine(own.port),
      "PrivateKeyFile=/etc/tinc/rsa_key.priv",
    ]),
    ...document(`${base}/tinc-up`, [
      "#!/bin/sh",
      `ip -4 addr add ${inside} dev \\$INTERFACE`,
      "ip link set \\$INTERFACE up",
    ]),
    `chmod +x ${base}/tinc-up`,
    ...document(`${base}/tinc-down`, [
      "#!/bin/sh",
      "ip link set \\$INTERFACE down",
      `ip -4 addr del ${inside} dev \\$INTERFACE`,
    ]),
    `chmod +x ${base}/tinc-down`,
    `mkdir -p ${base}/hosts`,
    ...[...others, asNeighbour(plan, own)].flatMap((each) =>
      document(`${base}/hosts/${each.name}`, hostLines(plan, each)),
    ),
    "",
    "# End Of Script.",
    "",
  ].join("\n");
}

export function asNeighbour(plan: VpnPlan, { name, number, address, port, publicKey }: VpnNode): Neighbour {
  return { name, inside: addressIn(plan, number), ...(address ? { address } : {}), port, publicKey };
}

/** A host's file as tinc reads it. */
export function hostLines({ mode }: VpnPlan, { inside, address, port, publicKey }: Neighbour): string[] {
  return [
    ...(mode === "router" ? [`Subnet=${inside}/32`] : []),
    "Compression=10",
    ...(address ? [`Address=${address}`, ...portLine(port)] : []),
    "",
    publicKey,
  ];
}

function portLine(port: number): string[] {
  return port === UNSET_PORT ? [] : [`Port=${port}`];
}

function document(path: string, lines: readonly string[]): string[] {
  return [`cat > ${path} <<EOF`, ...lines, "EOF"];
}
