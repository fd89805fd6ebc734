// SPDX-License-Identifier: GPL-3.0-or-later
// The getinconf reply: a shell script that older boxes ran as root. Here it is only parsed: fields are read from the
// here-documents of the needed files, and everything else is skipped.

import { isVpnName } from "./membership.ts";
import { TINC } from "./paths.ts";

/** Fields from the script, still to be validated by `readMembership`. */
export interface RawMembership {
  name?: string;
  address?: string;
  mode?: string;
  port?: number;
  hosts: RawHost[];
}

interface RawHost {
  name: string;
  address?: string;
  port?: number;
  subnets: string[];
  key: string;
}

export type ScriptFault = "no-script" | "truncated";

const MAX_LINE = 1024;

export function parseScript(text: string, network: string): RawMembership | { readonly fault: ScriptFault } {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  if (!lines.some((line) => line.startsWith("#!/bin/"))) return { fault: "no-script" };
  const found: RawMembership = { hosts: [] };
  for (let index = 0; index < lines.length; index++) {
    const begin = hereDocument(lines[index] ?? "");
    if (!begin) continue;
    const end = lines.indexOf(begin.mark, index + 1);
    if (end < 0) return { fault: "truncated" };
    take(found, begin.path, lines.slice(index + 1, end), network);
    // Skip the here-document: its lines are not commands.
    index = end;
  }
  // The box itself comes last: if it is missing, the script is incomplete. `readMembership` reports an invalid name.
  const isWhole = isVpnName(found.name)
    ? found.hosts.some(({ name }) => name === found.name)
    : found.name !== undefined;
  return isWhole ? found : { fault: "truncated" };
}

function hereDocument(line: string): { readonly path: string; readonly mark: string } | undefined {
  if (line.length > MAX_LINE) return undefined;
  const [, path, , mark] = /^\s*cat\s*>\s*(\S+)\s+<<\s*(["']?)(\w+)\2\s*$/.exec(line) ?? [];
  return path && mark ? { path, mark } : undefined;
}

function take(found: RawMembership, path: string, body: readonly string[], network: string): void {
  const base = `${TINC}/${network}/`;
  if (!path.startsWith(base)) return;
  const name = path.slice(base.length);
  const lines = body.filter((line) => line.length <= MAX_LINE);
  if (name === "tinc.conf") takeConfiguration(found, lines);
  else if (name === "tinc-up") takeAddress(found, lines);
  else if (/^hosts\/\w+$/.test(name)) found.hosts.push(readHost(name.slice("hosts/".length), lines));
}

function takeConfiguration(found: RawMembership, lines: readonly string[]): void {
  const fields = fieldsOf(lines);
  const [name] = fields.get("name") ?? [];
  const [mode] = fields.get("mode") ?? [];
  const [port] = fields.get("port") ?? [];
  if (name !== undefined) found.name = name;
  if (mode !== undefined) found.mode = mode.toLowerCase();
  if (port !== undefined) found.port = Number(port);
}

/** `ip addr add 10.228.0.7/24 dev …`, or the older form `ifconfig … 10.228.0.7 netmask 255.255.255.0`. */
function takeAddress(found: RawMembership, lines: readonly string[]): void {
  for (const line of lines) {
    const [, cidr] = /^\s*ip\s+(?:-4\s+)?a(?:ddr(?:ess)?)?\s+add\s+([\d./]+)\s/.exec(line) ?? [];
    const [, address, mask] = /^\s*ifconfig\s+\S+\s+([\d.]+)\s+netmask\s+([\d.]+)/.exec(line) ?? [];
    const prefix = mask === undefined ? undefined : prefixOf(mask);
    if (cidr !== undefined) found.address = cidr;
    else if (prefix !== undefined) found.address = `${address}/${prefix}`;
  }
}

function prefixOf(mask: string): number | undefined {
  const bits = mask.split(".").map((byte) => Number(byte).toString(2).padStart(8, "0"));
  const [, ones] = /^(1*)0*$/.exec(bits.join("")) ?? [];
  return bits.length === 4 && ones !== undefined ? ones.length : undefined;
}

function readHost(name: string, lines: readonly string[]): RawHost {
  const fields = fieldsOf(lines);
  const [address] = fields.get("address") ?? [];
  const [port] = fields.get("port") ?? [];
  // "10.1.2.3 655" is an address with its port.
  const [host, ownPort = port] = address?.split(/\s+/) ?? [];
  return {
    name,
    ...(host === undefined ? {} : { address: host }),
    ...(ownPort === undefined ? {} : { port: Number(ownPort) }),
    subnets: fields.get("subnet") ?? [],
    key: lines.join("\n"),
  };
}

/** "Name = value" or "Name value" before the key, as tinc reads it; names are case-insensitive. */
function fieldsOf(lines: readonly string[]): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    if (line.startsWith("-----BEGIN")) break;
    const [, name, value] = /^([A-Za-z]\w*)(?:\s*=\s*|\s+)(.*)$/.exec(line.trim()) ?? [];
    if (!name || value === undefined) continue;
    fields.set(name.toLowerCase(), [...(fields.get(name.toLowerCase()) ?? []), value]);
  }
  return fields;
}
