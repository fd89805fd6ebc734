// SPDX-License-Identifier: GPL-3.0-or-later
// Current facts about the box's network, for several steps, `cbox status` and `cbox publish`.

import { parseJson } from "../../common/json.ts";
import type { Box } from "./box.ts";

export interface Address {
  readonly interface: string;
  readonly address: string;
  readonly prefix: number;
}

/** Global IPv4 addresses, of one interface or of all, in the kernel's order. */
export async function ipv4Addresses(box: Box, name?: string): Promise<Address[]> {
  const { code, stdout } = await box.run("ip", [
    ...["-json", "-4", "address", "show", "scope", "global"],
    ...(name ? ["dev", name] : []),
  ]);
  if (code !== 0) return [];
  return parseAddresses(stdout);
}

interface IpLink {
  readonly ifname?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

export function parseAddresses(json: string): Address[] {
  return parseJson<IpLink[]>(json, []).flatMap((link) =>
    (link.addr_info ?? []).flatMap(({ local, prefixlen }) =>
      link.ifname && local ? [{ interface: link.ifname, address: local, prefix: prefixlen ?? 32 }] : [],
    ),
  );
}

/** Does anything listen on this TCP port, other than on loopback? */
export async function isListening(box: Box, port: number): Promise<boolean> {
  const { stdout } = await box.run("ss", ["-Hlnt"]);
  return listeningPorts(stdout).has(port);
}

/** Ports in the output of `ss -Hln…` that other machines can reach. */
export function listeningPorts(output: string): Set<number> {
  const ports = new Set<number>();
  for (const line of output.split("\n")) {
    // "tcp LISTEN 0 128 10.1.2.3:5000 0.0.0.0:*"; for a single protocol, ss leaves out the first column.
    const local = line
      .trim()
      .split(/\s+/)
      .find((column) => /:\d+$/.test(column));
    const match = local ? /^(.*):(\d+)$/.exec(local) : null;
    if (match?.[1] && !/^(127\.|\[::1\])/.test(match[1])) ports.add(Number(match[2]));
  }
  return ports;
}

/** "SHA256:… (ED25519)" for each SSH host key. */
export async function hostKeyFingerprints(box: Box): Promise<string[]> {
  const files = (await box.list("/etc/ssh")).filter((name) => /^ssh_host_.*_key\.pub$/.test(name));
  const prints: string[] = [];
  for (const file of files) {
    const { code, stdout } = await box.run("ssh-keygen", ["-l", "-f", `/etc/ssh/${file}`]);
    const match = /(SHA256:\S+).*\((.+)\)/.exec(stdout);
    if (code === 0 && match) prints.push(`${match[1]} (${match[2]})`);
  }
  return prints;
}
