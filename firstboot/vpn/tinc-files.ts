// SPDX-License-Identifier: GPL-3.0-or-later
// The files of one tinc network. Their content is fixed or comes from fields validated by `readMembership`: no text
// of a reply is copied unchecked.

import type { Membership, Peer } from "./membership.ts";
import { vpnPaths } from "./paths.ts";

export interface TincFile {
  readonly content: string;
  readonly mode: number;
}

/** Maximum seconds until a host that did not answer or refused is called again; tinc's default is 900. */
const MAX_TIMEOUT = 300;
/** More connections make a network slower, not safer. */
const MAX_CONNECTIONS = 16;

const NOTE = "# Written by the Community Box set-up, and written anew by: cbox vpn setup";

/** By path in the network's directory. */
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
    // "replace", so that a restart does not fail.
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
 * Whether a running tincd has to be restarted: on SIGHUP it reloads hosts and connections, but not its own name,
 * address, mode or key. `changed`: paths; `before`, `after`: tinc.conf.
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

/** Peers with a public address; one behind NAT waits for connections, as this box may. */
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

/** Only a router needs the addresses of the hosts; a switch learns them. */
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
