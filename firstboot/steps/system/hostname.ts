// SPDX-License-Identifier: GPL-3.0-or-later
// Host names: one label of RFC 1123 in lower case, and not a reserved name.

import { transliterate } from "../../../common/transliterate.ts";

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const RESERVED = new Set(["localhost", "localdomain", "ip6-localhost", "ip6-loopback", "broadcasthost"]);

export type HostNameProblem = "hostname-syntax" | "hostname-reserved";

export function hostNameProblem(name: string): HostNameProblem | undefined {
  // A label of digits only is valid, but tools read it as a number or an address.
  if (!LABEL.test(name) || /^[0-9]+$/.test(name)) return "hostname-syntax";
  return RESERVED.has(name) ? "hostname-reserved" : undefined;
}

/** The nearest valid name; undefined if no characters of the typed one remain. */
export function suggestHostName(name: string): string | undefined {
  const suggestion = transliterate(name)
    .toLowerCase()
    .replace(/[\s_.]+/g, "-")
    .replace(/[^a-z0-9-]/g, "")
    .replace(/-{2,}/g, "-")
    .replace(/^-+/, "")
    .slice(0, 63)
    .replace(/^-+|-+$/g, "");
  return suggestion && !hostNameProblem(suggestion) ? suggestion : undefined;
}

/** `cbox-` and four hexadecimal digits: short enough to say, and seldom the same as a neighbour's. */
export function defaultHostName(machineId: string): string {
  return `cbox-${machineId.slice(0, 4) || "0000"}`;
}
