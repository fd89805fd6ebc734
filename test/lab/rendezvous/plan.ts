// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's VPN: its range, its gateway and who knows what. Both programs and the lab's hosts read it from here.

export const GATEWAY_ADDRESS = "10.139.40.85";
/** The community's file names this one: a box finds it without being changed. */
export const RENDEZVOUS_ADDRESS = "10.139.40.84";
/** On both, for each other and for `cbox lab show`: the lab's own, no box speaks to it. */
export const INTERNAL_PORT = 8655;

export interface VpnPlan {
  readonly network: string;
  readonly key: string;
  readonly mode: "router" | "switch" | "hub";
  /** First three bytes of the range, a /24. Not the lab's own. */
  readonly range: string;
  readonly gateway: { readonly name: string; readonly publicKey: string };
  /** After how many seconds the gateway asks the rendezvous again: an hour, in a community. */
  readonly gatewayAsksEvery: number;
}

/** The lab's hour: long enough that a box meets a gateway that does not know it yet. */
export const GATEWAY_ASKS_EVERY = 3;

/** What a box registered. */
export interface VpnNode {
  readonly name: string;
  /** Upper case, with colons. */
  readonly mac: string;
  readonly hostname: string;
  /** Last byte of its address in the VPN. */
  readonly number: number;
  /** Where others can call it; none behind NAT. */
  readonly address?: string;
  readonly port: number;
  /** PEM, as it was sent. */
  readonly publicKey: string;
}

export const addressIn = ({ range }: VpnPlan, number: number) => `${range}.${number}`;
/** The gateway's last byte. */
export const GATEWAY_NUMBER = 1;
