// SPDX-License-Identifier: GPL-3.0-or-later
// The data that a box sends to a rendezvous, when it joins and when it asks again, and the replies that it rejects.

import { fail } from "../../common/fail.ts";
import { contains, parseCidr } from "../../common/ipv4.ts";
import { tlsTrust } from "../host/authorities.ts";
import type { Box } from "../host/box.ts";
import { sayFound } from "../host/found-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { type Address, ipv4Addresses } from "../host/network-facts.ts";
import { foremost } from "../network/interfaces.ts";
import { refuseOtherGateways } from "./gateways.ts";
import type { Membership } from "./membership.ts";
import { isInAlready, refuseRange } from "./ranges.ts";
import type { VpnRecord } from "./record.ts";
import { type Acceptance, askRendezvous, formOf, type Joined, type Rendezvous } from "./rendezvous.ts";
import { refuseHeld, uncallable } from "./surroundings.ts";

export interface Asking {
  readonly network: string;
  /** Key of the network; undefined: the community's. */
  readonly key?: string | undefined;
  /** The box's own, PEM (PKCS #1). */
  readonly publicKey: string;
  /** In the order in which they are asked. */
  readonly rendezvous: readonly Rendezvous[];
  /** The box's addresses outside of all VPNs. */
  readonly outside: readonly Address[];
  /** The current membership; it says by which card the rendezvous identifies the box. */
  readonly record?: VpnRecord | undefined;
  /** The box is in the VPN already and only updates its peers. */
  readonly isAgain?: boolean;
}

/**
 * Fails with `vpn-no-interface`, or as {@link askRendezvous} does. The result is checked for conflicts with this box.
 * `onAsk`: called with the host that is asked now.
 */
export async function askFor(
  box: Box,
  image: ImageInfo,
  asking: Asking,
  onAsk: (host: string) => void = () => {},
): Promise<Joined & { readonly mac: string }> {
  const { network, key, publicKey, rendezvous, outside, record } = asking;
  const { vpn } = image.community;
  const mac = await macAddress(box, record);
  const wanted = {
    network,
    key: key ?? vpn.network_key ?? network,
    mac,
    hostname: ((await box.readFile("/etc/hostname")) ?? "").trim() || "cbox",
    addresses: outside.map(({ address }) => address),
    port: vpn.port,
    publicKey,
  };
  const acceptance = { uncallable: await uncallable(box, outside), judge: judgeOf(box, image, asking) };
  const tls = await tlsTrust(box, image);
  return { ...(await askRendezvous(box, rendezvous, wanted, tls, acceptance, onAsk)), mac };
}

function judgeOf(
  box: Box,
  image: ImageInfo,
  { network, publicKey, outside, record, isAgain = false }: Asking,
): Acceptance["judge"] {
  return async (membership, { url }) => {
    const { host } = new URL(url);
    refuseRange(image, network, membership, host, record);
    refuseConflict(membership, outside);
    // Hosts inside the box's current network stay there even if this is refused.
    if (!(isAgain && isInAlready(record, network, membership))) await refuseHeld(box, image, membership, url);
    refuseOtherGateways(image, network, membership, publicKey, host);
  };
}

/** The community's list says which protocol each uses; for a typed URL it follows from the URL. */
export function rendezvousAt(url: string, image: ImageInfo): Rendezvous {
  const known = communityRendezvous(image).find((each) => each.url === url);
  return known ?? { url, form: formOf(url) };
}

export function communityRendezvous(image: ImageInfo): readonly Rendezvous[] {
  return image.community.vpn.rendezvous.map((each) =>
    typeof each === "string" ? { url: each, form: formOf(each) } : each,
  );
}

/** Whether other peers learn about a new box only when they ask again, as getinconf programs do hourly. */
export function isHourly({ rendezvous }: VpnRecord, image: ImageInfo): boolean {
  return rendezvous !== undefined && rendezvousAt(rendezvous, image).form === "getinconf";
}

/** Addresses of every interface except those of the named VPNs. */
export async function addressesOutside(
  box: Box,
  tunnels: readonly (string | undefined)[],
): Promise<readonly Address[]> {
  return (await ipv4Addresses(box)).filter((each) => !tunnels.includes(each.interface));
}

/** Of the card by which the rendezvous identifies the box, if still present; else of the one with a cable. */
async function macAddress(box: Box, record: VpnRecord | undefined): Promise<string> {
  const chosen = await foremost(box, { known: record?.mac });
  if (chosen && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(chosen.mac)) return chosen.mac;
  return fail({
    code: "vpn-no-interface",
    what: "The box has no network card by which the VPN could know it.",
    hint: "Plug the network card in and try again, or go on without the VPN.",
  });
}

/** If the VPN used the addresses of the home network, the box would lose access to one of them. */
export function refuseConflict({ address }: Membership, outside: readonly Address[]): void {
  const range = parseCidr(address);
  const other = outside.find((each) => {
    const its = parseCidr(`${each.address}/${each.prefix}`);
    return range && its && (contains(range, its.network) || contains(its, range.network));
  });
  if (!other) return;
  fail({
    code: "vpn-address-conflict",
    what: "The VPN uses addresses that the box's own network has already; nothing was changed.",
    ...sayFound("found.addresses-clash", {
      ...{ address, other: `${other.address}/${other.prefix}`, interface: other.interface },
    }),
    hint: "Change the address of the local network, or go on without the VPN.",
  });
}
