// SPDX-License-Identifier: GPL-3.0-or-later
// What the community offers, as this box's Serf sees it: the services in the tags of everybody who is there, nearest
// first. Written by other people's programs, so anything may be in it.

import { decodeServices, type PublishedService, SERVICES_TAG } from "../common/serf-payload.ts";
import type { Box } from "./box.ts";
import { SERF_RPC } from "./serf.ts";
import { parseJson } from "./world.ts";

export interface FoundService {
  readonly type: string;
  readonly description: string;
  readonly host: string;
  readonly address: string;
  readonly port: string;
  readonly txt: { readonly [name: string]: string };
  /** Name of the node in Serf. */
  readonly node: string;
  /** Round trip by Serf's coordinates, milliseconds; undefined when Serf does not know. */
  readonly rtt_ms?: number;
}

export interface Search {
  readonly services: readonly FoundService[];
  /** Nodes whose tag cannot be read. */
  readonly unreadable: readonly string[];
}

interface Member {
  readonly name?: unknown;
  readonly status?: unknown;
  readonly tags?: { readonly [name: string]: unknown };
}

/** Longest that a word of somebody else may be here. */
const LONGEST = 100;
/** More than these are not asked for their distance, one by one. */
const MOST_NODES = 500;

/** Undefined when Serf does not answer. `type`: only these services, upper and lower case alike. */
export async function search(box: Box, type?: string): Promise<Search | undefined> {
  const { code, stdout } = await box.run("serf", ["members", "-format=json", `-rpc-addr=${SERF_RPC}`], {
    timeout: 15_000,
  });
  if (code !== 0) return undefined;
  const { members = [] } = parseJson<{ members?: readonly Member[] }>(stdout, {});
  const services: FoundService[] = [];
  const unreadable: string[] = [];
  for (const member of (Array.isArray(members) ? members : []).slice(0, MOST_NODES)) {
    const node = typeof member?.name === "string" ? member.name : "";
    const tag = member?.tags?.[SERVICES_TAG];
    if (member?.status !== "alive" || !node || typeof tag !== "string") continue;
    const found = await decodeServices(tag, (command, input) => box.filter(command, input)).catch(
      () => undefined,
    );
    if (!found) unreadable.push(clean(node));
    const wanted = (found ?? []).filter(({ s }) => !type || s.toLowerCase() === type.toLowerCase());
    if (wanted.length === 0) continue;
    const rtt = await roundTrip(box, node);
    services.push(...wanted.map((each) => described(each, node, rtt)));
  }
  return { services: services.sort(nearestFirst), unreadable };
}

function described(service: PublishedService, node: string, rtt: number | undefined): FoundService {
  const { s, d, m, i, p, t } = service;
  const pairs = t
    .split(/[ &]/)
    .filter(Boolean)
    .map((pair) => [clean(pair.split("=", 1)[0] ?? ""), clean(pair.split("=").slice(1).join("="))] as const);
  return {
    type: clean(s),
    description: clean(d).replaceAll("_", " "),
    host: clean(m),
    address: clean(i),
    port: clean(p),
    txt: Object.fromEntries(pairs),
    node: clean(node),
    ...(rtt === undefined ? {} : { rtt_ms: rtt }),
  };
}

/** "Estimated alice <-> bob rtt: 1.310 ms (using WAN coordinates)". */
async function roundTrip(box: Box, node: string): Promise<number | undefined> {
  // A name that begins with a dash would be an option.
  if (node.startsWith("-")) return undefined;
  const { code, stdout } = await box.run("serf", ["rtt", `-rpc-addr=${SERF_RPC}`, node], { timeout: 10_000 });
  return code === 0 ? parseRtt(stdout) : undefined;
}

export function parseRtt(text: string): number | undefined {
  const found = /rtt:\s*([\d.]+)\s*(ns|us|µs|ms|s)\b/.exec(text);
  if (!found) return undefined;
  const unit = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000 }[found[2] as "ms"];
  const value = Number(found[1]) * unit;
  return Number.isFinite(value) ? value : undefined;
}

function nearestFirst(a: FoundService, b: FoundService): number {
  return (
    (a.rtt_ms ?? Number.POSITIVE_INFINITY) - (b.rtt_ms ?? Number.POSITIVE_INFINITY) ||
    a.type.localeCompare(b.type) ||
    a.host.localeCompare(b.host) ||
    0
  );
}

/** Somebody else's words on our terminal: one line, no control signs, not endless. */
function clean(text: string): string {
  return [...text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")].slice(0, LONGEST).join("");
}
