// SPDX-License-Identifier: GPL-3.0-or-later
// Who has been given an address by the lab, from dnsmasq's own record.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LEASES } from "./hosts/dns.ts";
import type { Lab } from "./lab.ts";

export interface Lease {
  readonly mac: string;
  readonly address: string;
  /** What the client calls itself; empty when it did not say. */
  readonly name: string;
}

export function leases(lab: Lab): Lease[] {
  return parseLeases(readLeases(join(lab.place("dns").directory, LEASES)));
}

/** One lease per line: expiry, MAC, address, name, client id; "*" is unknown. */
export function parseLeases(text: string): Lease[] {
  return text.split("\n").flatMap((line) => {
    const [, mac, address, name] = line.split(" ");
    return mac && address && mac.includes(":")
      ? [{ mac, address, name: name === "*" ? "" : (name ?? "") }]
      : [];
  });
}

function readLeases(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
