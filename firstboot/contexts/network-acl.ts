// SPDX-License-Identifier: GPL-3.0-or-later
// Networks of the contexts and their filters: each has its own subnet behind the box (NAT) and an ACL in Incus.
// Access to the box itself, on any address, is limited by the box's own rules (contexts.nft).

import { parseJson } from "../../common/json.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { get, send } from "./incus.ts";
import { CONTEXTS, type ContextId, networkOf } from "./names.ts";
import { readWallSettings, without } from "./wall-settings.ts";

export interface ContextNetwork {
  readonly name: string;
  /** The box's address in the network, with prefix: Incus creates the network from it. */
  readonly address: string;
  readonly gateway: string;
}

export type ContextNetworks = Readonly<Record<ContextId, ContextNetwork>>;

/** Third bytes of 172.31.x.0/24, two per attempt: rare in homes, and outside the community's 10.0.0.0/8. */
const CANDIDATES = [240, 242, 244, 246, 248];
const PREFIX = "172.31";

/** The existing networks, or two subnets that are unused on this box. */
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

/** A port or range of a context's own container that other machines may reach. */
export interface Entrance {
  readonly context: ContextId;
  readonly address: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly last?: number;
}

/** Description of the rules for entrances. */
const ENTRANCE = "a port of the box";

/**
 * Private ranges: home networks behind another router are in one of them. Networks that the box is connected to,
 * whatever their addresses, are covered by the box's own rules (contexts.nft).
 */
const HOMES = ["172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"];

/**
 * Rules for traffic from and to a context. By the network's default Incus allows all other outgoing traffic and no
 * other incoming. `open`: what the owner has opened to the community.
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
  // A community that uses one of these ranges stays reachable.
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

/** `entrances`: those of both contexts; if left out, the existing ones stay. */
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
    // Incus rebuilds all rules of the network, even when nothing has changed.
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
