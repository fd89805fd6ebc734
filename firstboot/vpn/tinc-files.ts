// SPDX-License-Identifier: GPL-3.0-or-later
// The files of one tinc network. Every word in them is ours or a field that passed `readMembership`: no text of a
// reply gets here as it came.

import type { Membership, Peer } from "./membership.ts";
import { vpnPaths } from "./paths.ts";

export interface TincFile {
  readonly content: string;
  readonly mode: number;
}

/** Seconds, at most, to the next call of a host that did not answer or refused; tinc's own is 900. */
const MAX_TIMEOUT = 300;
/** More connections than this make a network slow to settle, not safer. */
const MAX_CONNECTIONS = 16;

const NOTE = "# Written by the Community Box set-up, and written anew by: cbox vpn setup";

/** By path below the network's directory. */
export function tincFiles(
  network: string,
  membership: Membership,
  key: { readonly privateKey: string; readonly publicKey: string },
): ReadonlyMap<string, TincFile> {
  const { name, address, peers } = membership;
  const text = (lines: readonly string[], mode = 0o644): TincFile => ({
    content: `${lines.join("\n")}\n`,
    mode,
  });
  return new Map<string, TincFile>([
    ["rsa_key.priv", { content: key.privateKey, mode: 0o600 }],
    ["tinc.conf", text(configuration(network, membership))],
    // The address replaces itself, so that a restart is no error.
    [
      "tinc-up",
      script([`ip address replace ${address} dev "$INTERFACE"`, 'ip link set dev "$INTERFACE" up']),
    ],
    ["tinc-down", script(['ip link set dev "$INTERFACE" down'])],
    ...peers.map((peer): [string, TincFile] => [`hosts/${peer.name}`, text(hostLines(membership, peer))]),
    [`hosts/${name}`, text(ownLines(membership, key.publicKey))],
  ]);
}

/**
 * Whether a running tincd has to start anew: by SIGHUP it takes other hosts and whom it calls, but neither a name, an
 * address, a mode nor a key of its own. `changed`: paths; `before`, `after`: tinc.conf.
 */
export function needsRestart(
  { name }: Membership,
  changed: readonly string[],
  before = "",
  after = "",
): boolean {
  const own = ["rsa_key.priv", "tinc-up", `hosts/${name}`];
  const rest = (text: string) => text.replace(/^ConnectTo = .*\n/gm, "");
  return changed.some((path) => own.includes(path)) || rest(before) !== rest(after);
}

/** Peers that can be called; one behind NAT waits to be called, as this box may. */
export function callable({ peers }: Membership): readonly Peer[] {
  return peers.filter(({ address }) => address !== undefined);
}

function configuration(network: string, membership: Membership): string[] {
  const { name, mode, port } = membership;
  return [
    NOTE,
    `Name = ${name}`,
    `Mode = ${mode}`,
    "Device = /dev/net/tun",
    `Interface = ${network}`,
    "AddressFamily = ipv4",
    `Port = ${port}`,
    `PrivateKeyFile = ${vpnPaths(network).privateKey}`,
    `MaxTimeout = ${MAX_TIMEOUT}`,
    ...callable(membership)
      .slice(0, MAX_CONNECTIONS)
      .map((peer) => `ConnectTo = ${peer.name}`),
  ];
}

function script(lines: readonly string[]): TincFile {
  return { content: `${["#!/bin/sh", NOTE, "set -e", ...lines].join("\n")}\n`, mode: 0o755 };
}

/** Only a router needs to know who has which address; a switch learns it. */
function hostLines({ mode }: Membership, { address, port, subnets, key }: Peer): string[] {
  return [
    NOTE,
    ...(address === undefined ? [] : [`Address = ${address}`, `Port = ${port}`]),
    ...(mode === "router" ? subnets.map((subnet) => `Subnet = ${subnet}`) : []),
    key.trimEnd(),
  ];
}

function ownLines({ mode, address }: Membership, publicKey: string): string[] {
  const [host] = address.split("/");
  return [NOTE, ...(mode === "router" ? [`Subnet = ${host}/32`] : []), publicKey.trimEnd()];
}
