// SPDX-License-Identifier: GPL-3.0-or-later
// Serf on this box: its configuration, its state and its announcement. Used by the step "services", by `cbox publish`
// and by `cbox status`.

import { contains, parseCidr, parseIpv4 } from "../../common/ipv4.ts";
import { parseJson } from "../../common/json.ts";
import { outerAddresses } from "../contexts/outer-addresses.ts";
import type { Box } from "../host/box.ts";
import { writeIfChanged } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Address } from "../host/network-facts.ts";
import { paths } from "../host/paths.ts";
import { askSerf, SERF_RPC, serfRpcKey } from "./serf-rpc.ts";

export const SERF_UNIT = "serf.service";
export const PUBLISH_TIMER = "cbox-publish.timer";

export function serfPort(image: ImageInfo): number {
  return image.community.serf.port;
}

/**
 * The box's address for other nodes: the first one in the community's ranges, else the first one. An address in the
 * VPN comes last, because nodes outside of the VPN cannot reach it.
 */
export async function communityAddress(box: Box, image: ImageInfo): Promise<Address | undefined> {
  const ranges = image.community.address_ranges.map(parseCidr).filter((range) => range !== undefined);
  const addresses = await vpnLast(box, await outerAddresses(box));
  const isInside = ({ address }: Address) => {
    const number = parseIpv4(address);
    return number !== undefined && ranges.some((range) => contains(range, number));
  };
  return addresses.find(isInside) ?? addresses[0];
}

async function vpnLast(box: Box, addresses: readonly Address[]): Promise<Address[]> {
  const direct: Address[] = [];
  const tunnelled: Address[] = [];
  for (const each of addresses) {
    const isTunnel = await box.exists(`/sys/class/net/${each.interface}/tun_flags`);
    (isTunnel ? tunnelled : direct).push(each);
  }
  return [...direct, ...tunnelled];
}

/**
 * Writes Serf's configuration for the box's current address. Returns whether anything changed. Without an address
 * there is no file, and the unit waits for it (its drop-in has the file as a condition).
 */
export async function configureSerf(
  box: Box,
  image: ImageInfo,
): Promise<{ address?: string; changed: boolean }> {
  const found = await communityAddress(box, image);
  if (!found) return { changed: false };
  const hostname = ((await box.readFile("/etc/hostname")) ?? "").trim() || "cbox";
  // The key first: an agent that does not have it yet is detected by isKeyRefused.
  const key = await serfRpcKey(box);
  const content = serfConfig(image, await hostId(box), hostname, found.address, key);
  const changed = await writeIfChanged(box, paths.serfConfig, content, { mode: 0o600 });
  return { address: found.address, changed };
}

/** Unique in the community although host names are not; generated on the box and kept. */
async function hostId(box: Box): Promise<string> {
  const kept = ((await box.readFile(paths.serfHostId)) ?? "").trim();
  if (/^[0-9a-f]{32}$/.test(kept)) return kept;
  const made = box.randomHex(16);
  await box.writeFile(paths.serfHostId, `${made}\n`);
  return made;
}

export function serfConfig(
  image: ImageInfo,
  hostId: string,
  hostname: string,
  address: string,
  key: string,
): string {
  const { profile, protocol, bootstrap } = image.community.serf;
  const config = {
    node_name: `${hostId}-${hostname}`,
    bind: `${address}:${serfPort(image)}`,
    profile,
    ...(protocol === undefined ? {} : { protocol }),
    rpc_addr: SERF_RPC,
    rpc_auth: key,
    // Otherwise an agent whose name is used twice starts a vote and stops if it loses. This box's name has a random
    // part, so another node with it has copied it.
    disable_name_resolution: true,
    // Retry until a peer answers: the cable may be connected later.
    retry_join: bootstrap,
    retry_interval: "30s",
    rejoin_after_leave: true,
    snapshot_path: "/var/lib/serf/snapshot",
    // Tags set at run time survive a restart of the agent.
    tags_file: "/var/lib/serf/tags.json",
    // Few log messages: the disk may be a card.
    log_level: "WARN",
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

export interface SerfInfo {
  /** Nodes alive, including this one. */
  readonly members: number;
  readonly tags: { readonly [name: string]: string };
}

interface InfoAnswer {
  readonly tags?: Record<string, string>;
  readonly serf?: { readonly members?: string; readonly failed?: string; readonly left?: string };
}

/** The agent's state over RPC; undefined if it does not answer. */
export async function serfInfo(box: Box): Promise<SerfInfo | undefined> {
  const { code, stdout } = await askSerf(box, ["info", "-format=json"], { timeout: 300_000 });
  if (code !== 0) return undefined;
  const answer = parseJson<InfoAnswer>(stdout, {});
  const { members = "0", failed = "0", left = "0" } = answer.serf ?? {};
  return { members: Number(members) - Number(failed) - Number(left), tags: answer.tags ?? {} };
}

export async function waitForSerf(
  box: Box,
  seconds: number,
  signal?: AbortSignal,
): Promise<SerfInfo | undefined> {
  for (let second = 0; second < seconds; second++) {
    const info = await serfInfo(box);
    if (info) return info;
    await box.sleep(1000, signal);
  }
  return undefined;
}
