// SPDX-License-Identifier: GPL-3.0-or-later
// Networks of the contexts and what may pass: each has its own subnet behind the box (NAT) and an ACL in Incus. The walls
// to the box itself, whatever its addresses, are rules of the box (contexts.nft).

import { parseJson } from "../../common/json.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { get, send } from "./incus.ts";
import { CONTEXTS, type ContextId, networkOf } from "./names.ts";
import { readWallSettings, without } from "./wall-settings.ts";

export interface ContextNetwork {
  readonly name: string;
  /** Of the box in it, with prefix: Incus makes the network from it. */
  readonly address: string;
  readonly gateway: string;
}

export type ContextNetworks = Readonly<Record<ContextId, ContextNetwork>>;

/** Third numbers of 172.31.x.0/24, a pair a try: rarely used in homes, and not the community's (10.0.0.0/8). */
const CANDIDATES = [240, 242, 244, 246, 248];
const PREFIX = "172.31";

/** The networks as they are, or two subnets that nothing else on this box uses. */
export async function chooseNetworks(box: Box): Promise<ContextNetworks> {
  const known = await Promise.all(CONTEXTS.map((id) => knownAddress(box, id)));
  const { stdout } = await box.run("ip", ["-json", "-4", "route", "show", "table", "all"]);
  const routes = parseJson<{ dst?: string }[]>(stdout, []).map(({ dst = "" }) => dst);
  const isTaken = (third: number) => routes.some((dst) => dst.startsWith(`${PREFIX}.${third}.`));
  const first = CANDIDATES.find((third) => !isTaken(third) && !isTaken(third + 1)) ?? CANDIDATES[0]!;
  const network = (id: ContextId, index: number): ContextNetwork => {
    const gateway = known[index] ?? `${PREFIX}.${first + index}.1`;
    return { name: networkOf(id), address: `${gateway}/24`, gateway };
  };
  return { owner: network("owner", 0), community: network("community", 1) };
}

async function knownAddress(box: Box, id: ContextId): Promise<string | undefined> {
  const network = await get<{ config?: Record<string, string> }>(box, `/1.0/networks/${networkOf(id)}`);
  return network?.config?.["ipv4.address"]?.split("/")[0];
}

interface Rule {
  readonly action: "allow" | "reject";
  readonly state: "enabled";
  readonly description: string;
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: string;
  readonly destination_port?: string;
}

interface Acl {
  readonly egress: readonly Rule[];
  readonly ingress: readonly Rule[];
}

/** Where others may come in from beyond the box: one port, or a range, of a context's own container. */
export interface Entrance {
  readonly context: ContextId;
  readonly address: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly last?: number;
}

/** Of the rules for entrances. */
const ENTRANCE = "a port of the box";

/**
 * Private ranges: what of the owner's home lies behind another router is in one of them. The networks that the box itself is
 * connected to, whatever their addresses, are rules of the box (contexts.nft).
 */
const HOMES = ["172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"];

/**
 * What leaves and enters a context. Incus lets everything else out and nothing else in, as the network says. `open`: what the
 * owner has opened to the community.
 */
export function rulesOf(
  id: ContextId,
  networks: ContextNetworks,
  image: ImageInfo,
  open: readonly string[] = [],
): Acl {
  const rule = (action: Rule["action"], description: string, where: Partial<Rule>): Rule => ({
    action,
    state: "enabled",
    description,
    ...where,
  });
  const { owner, community } = networks;
  const subnet = ({ gateway }: ContextNetwork) => gateway.replace(/\.\d+$/, ".0/24");
  const other = id === "owner" ? community : owner;
  // A community that lives in one of these ranges is reached all the same.
  const homes = HOMES.filter((range) => !image.community.address_ranges.includes(range)).flatMap((range) =>
    without(range, open),
  );
  return {
    ingress: [rule("allow", "the box itself", { source: `${networks[id].gateway}/32` })],
    egress: [
      rule("reject", "the other context", { destination: subnet(other) }),
      ...(id === "community" ? [rule("reject", "the owner's home", { destination: homes.join(",") })] : []),
    ],
  };
}

/** `entrances`: those of both contexts; unless said, those that there are stay. */
export async function ensureAcls(
  box: Box,
  networks: ContextNetworks,
  image: ImageInfo,
  entrances?: readonly Entrance[],
): Promise<void> {
  const settings = await readWallSettings(box);
  for (const id of CONTEXTS) {
    const name = networkOf(id);
    const known = await get<Acl>(box, `/1.0/network-acls/${name}`);
    const { egress, ingress } = rulesOf(id, networks, image, settings.open);
    const open = entrances
      ? entrances.filter(({ context }) => context === id).map(ruleOf)
      : (known?.ingress ?? []).filter(({ description }) => description === ENTRANCE);
    const rules: Acl = { egress, ingress: [...ingress, ...open] };
    // Incus makes all rules of the network anew when it is told the same.
    if (known && isSame(known, rules)) continue;
    const acl = { description: `What may pass to and from ${id}`, config: {}, ...rules };
    if (known) await send(box, "PUT", `/1.0/network-acls/${name}`, acl);
    else await send(box, "POST", "/1.0/network-acls", { name, ...acl });
  }
}

function ruleOf({ address, protocol, port, last }: Entrance): Rule {
  return {
    action: "allow",
    state: "enabled",
    description: ENTRANCE,
    destination: `${address}/32`,
    protocol,
    destination_port: last === undefined ? String(port) : `${port}-${last}`,
  };
}

function isSame(one: Acl, other: Acl): boolean {
  const texts = (rules: readonly Rule[]) => rules.map((rule) => JSON.stringify(Object.entries(rule).sort()));
  const text = ({ egress, ingress }: Acl) => JSON.stringify([texts(egress).sort(), texts(ingress).sort()]);
  return text(one) === text(other);
}
