// SPDX-License-Identifier: GPL-3.0-or-later
// What tincd 1.0 says when it is asked for its nodes (SIGUSR2), read from its log.

/** Bit of a node's status in tinc 1.0, see node.h there. */
const REACHABLE = 0x10;

/** Names of the nodes that can be reached, this one included. */
export function parseDump(log: string): ReadonlySet<string> {
  const reachable = new Set<string>();
  const [, nodes = ""] = /Nodes:\n([\s\S]*?)End of nodes/.exec(log) ?? [];
  for (const line of nodes.split("\n")) {
    const [, name, status] = /^\s*(\w+) at .* status ([0-9a-f]+) /.exec(line) ?? [];
    if (name && status && Number.parseInt(status, 16) & REACHABLE) reachable.add(name);
  }
  return reachable;
}
