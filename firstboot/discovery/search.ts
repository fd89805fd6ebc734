// SPDX-License-Identifier: GPL-3.0-or-later
// The community's services, nearest first: from the Serf tags of all nodes, and inside the VPN from neighbours'
// announcements by Avahi. All of it is untrusted text.

import { parseJson } from "../../common/json.ts";
import { decodeServices, type PublishedService, SERVICES_TAG } from "../../common/serf-payload.ts";
import type { Box } from "../host/box.ts";
import { heardByAvahi } from "./avahi.ts";
import { askSerf } from "./serf-rpc.ts";

export interface FoundService {
  readonly type: string;
  readonly description: string;
  readonly host: string;
  readonly address: string;
  readonly port: string;
  readonly txt: { readonly [name: string]: string };
  /** The source. A service may be known by both, with its addresses outside and inside the VPN. */
  readonly by: "serf" | "avahi";
  /** Name of the node in Serf, or of the host in Avahi. */
  readonly node: string;
  /** Address of the announcing node, if it is another one. */
  readonly announced_from?: string;
  /** Round trip in milliseconds, from Serf's coordinates or a ping in the VPN; undefined if unknown. */
  readonly rtt_ms?: number;
}

export interface Search {
  readonly services: readonly FoundService[];
  /** Nodes whose tag is unreadable. */
  readonly unreadable: readonly string[];
}

interface Member {
  readonly name?: unknown;
  /** "10.1.2.3:5000". */
  readonly addr?: unknown;
  readonly status?: unknown;
  readonly tags?: { readonly [name: string]: unknown };
}

/** Maximum length of an untrusted text. */
const LONGEST = 100;
/** Limit of the nodes whose distance is requested one by one. */
const MOST_NODES = 500;
/** In parallel; each is a process or two. */
const AT_ONCE = 20;
/** Maximum key and value pairs of a service. */
const MOST_PAIRS = 20;

/** Undefined if neither Serf nor Avahi answers. `type`: only these services, case-insensitive. */
export async function search(box: Box, type?: string): Promise<Search | undefined> {
  const isWanted = ({ s }: PublishedService) => !type || s.toLowerCase() === type.toLowerCase();
  const [bySerf, heard] = await Promise.all([searchBySerf(box, isWanted), heardByAvahi(box)]);
  if (!bySerf && heard.length === 0) return undefined;
  const byAvahi = heard
    .filter(({ service }) => isWanted(service))
    .map(({ service, rtt }) => described(service, { by: "avahi", node: service.m, rtt }));
  return {
    services: [...(bySerf?.services ?? []), ...byAvahi].sort(nearestFirst),
    unreadable: bySerf?.unreadable ?? [],
  };
}

async function searchBySerf(
  box: Box,
  isWanted: (service: PublishedService) => boolean,
): Promise<Search | undefined> {
  const { code, stdout } = await askSerf(box, ["members", "-format=json"], { timeout: 15_000 });
  if (code !== 0) return undefined;
  const { members = [] } = parseJson<{ members?: readonly Member[] }>(stdout, {});
  const offering = (Array.isArray(members) ? members : []).flatMap((member) => {
    const node = typeof member?.name === "string" ? member.name : "";
    const tag = member?.tags?.[SERVICES_TAG];
    const address = typeof member?.addr === "string" ? clean(member.addr).replace(/:\d+$/, "") : undefined;
    return member?.status === "alive" && node && typeof tag === "string" ? [{ node, address, tag }] : [];
  });
  const services: FoundService[] = [];
  const unreadable: string[] = [];
  for (let index = 0; index < Math.min(offering.length, MOST_NODES); index += AT_ONCE) {
    await Promise.all(
      offering.slice(index, index + AT_ONCE).map(async ({ node, address, tag }) => {
        const found = await decodeServices(tag, (command, input) => box.filter(command, input)).catch(
          () => undefined,
        );
        if (!found) unreadable.push(clean(node));
        const wanted = (found ?? []).filter(isWanted);
        if (wanted.length === 0) return;
        const rtt = await roundTrip(box, node);
        for (const each of wanted) services.push(described(each, { by: "serf", node, address, rtt }));
      }),
    );
  }
  return { services, unreadable: unreadable.sort() };
}

interface Teller {
  readonly by: FoundService["by"];
  readonly node: string;
  /** Undefined if it is unknown. */
  readonly address?: string | undefined;
  readonly rtt: number | undefined;
}

function described(service: PublishedService, { by, node, address, rtt }: Teller): FoundService {
  const { s, d, m, i, p, t } = service;
  const pairs = t
    .split(/[ &]/)
    .filter(Boolean)
    .slice(0, MOST_PAIRS)
    .map((pair) => [clean(pair.split("=", 1)[0] ?? ""), clean(pair.split("=").slice(1).join("="))] as const);
  return {
    type: clean(s),
    description: clean(d).replaceAll("_", " "),
    host: clean(m),
    address: clean(i),
    port: clean(p),
    txt: Object.fromEntries(pairs),
    by,
    node: clean(node),
    ...(address === undefined || address === clean(i) ? {} : { announced_from: address }),
    ...(rtt === undefined ? {} : { rtt_ms: rtt }),
  };
}

/** "Estimated alice <-> bob rtt: 1.310 ms (using WAN coordinates)". */
async function roundTrip(box: Box, node: string): Promise<number | undefined> {
  // A name with a leading dash would be parsed as an option.
  if (node.startsWith("-")) return undefined;
  const { code, stdout } = await askSerf(box, ["rtt", node], { timeout: 10_000 });
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

/** Untrusted text for the terminal: one line, no control characters, limited length. */
function clean(text: string): string {
  return [...text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")].slice(0, LONGEST).join("");
}
