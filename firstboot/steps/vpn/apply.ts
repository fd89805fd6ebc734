// SPDX-License-Identifier: GPL-3.0-or-later
// Applies "vpn": the box's own key, an answer from a rendezvous (or the bundle), tinc's files as a whole, the unit.
// Nothing on the box changes before the answer is complete and checked.

import { fail } from "../../../common/fail.ts";
import { tlsTrust } from "../../authorities.ts";
import { type Box, must } from "../../box.ts";
import type { ImageInfo } from "../../image-info.ts";
import { startAvahi } from "../../vpn/avahi.ts";
import { putInPlace } from "../../vpn/directory.ts";
import { ownKey } from "../../vpn/keys.ts";
import { type Membership, readMembership } from "../../vpn/membership.ts";
import { vpnPaths } from "../../vpn/paths.ts";
import { readRecord, type VpnRecord, writeRecord } from "../../vpn/record.ts";
import { askRendezvous, formOf, type Rendezvous } from "../../vpn/rendezvous.ts";
import { tincFiles } from "../../vpn/tinc-files.ts";
import { type Address, ipv4Addresses } from "../../world.ts";
import { foremost } from "../network/interfaces.ts";
import { contains, parseCidr } from "../network/ipv4.ts";
import type { StepTools } from "../step.ts";
import { leave } from "./leave.ts";
import type { VpnAnswers } from "./questions.ts";

/** Debian's templates start with this one. */
const ALL_NETWORKS = "tinc.service";

export async function apply(answers: VpnAnswers, tools: StepTools): Promise<void> {
  const { box, image, progress } = tools;
  const record = await readRecord(box);
  const network = answers.network ?? image.community.vpn.network;
  if (answers.join !== true) {
    progress("progress.vpn.off");
    if (record) await leave(box, record.network);
    return;
  }
  progress("progress.vpn.key");
  const key = await ownKey(box, network);
  const tunnels = [network, record?.network];
  const outside = (await ipv4Addresses(box)).filter((each) => !tunnels.includes(each.interface));
  const { membership, ...origin } = await join(answers, network, key.publicKey, outside, record, tools);
  refuseConflict(membership, outside);

  progress("progress.vpn.apply", { name: membership.name, address: membership.address });
  if (record && record.network !== network) await leave(box, record.network);
  await putInPlace(box, network, tincFiles(network, membership, key));
  await writeRecord(box, network, membership, origin);
  const { unit } = vpnPaths(network);
  await must(box, "systemctl", ["enable", ALL_NETWORKS, unit]);
  // Always: a cut may have come between the files and this, and who runs may know the old ones only.
  await must(box, "systemctl", ["restart", unit]);
  await startAvahi(box, network);
}

interface JoinedSomehow {
  readonly membership: Membership;
  readonly rendezvous?: string;
  readonly mac?: string;
}

async function join(
  answers: VpnAnswers,
  network: string,
  publicKey: string,
  outside: readonly Address[],
  record: VpnRecord | undefined,
  { box, image, progress }: StepTools,
): Promise<JoinedSomehow> {
  if (answers.bundle) {
    const { membership } = readMembership(answers.bundle);
    // `check` has let it through: it is whole.
    return membership
      ? { membership }
      : fail({ code: "unexpected", what: "The VPN's bundle is incomplete." });
  }
  const mac = await macAddress(box, record);
  const { vpn } = image.community;
  const { membership, rendezvous, leftOut } = await askRendezvous(
    box,
    rendezvousList(answers, image),
    {
      network,
      key: answers.key ?? vpn.network_key ?? network,
      mac,
      hostname: ((await box.readFile("/etc/hostname")) ?? "").trim() || "cbox",
      addresses: outside.map(({ address }) => address),
      port: vpn.port,
      publicKey,
    },
    await tlsTrust(box, image),
    (host) => progress("progress.vpn.ask", { host }),
  );
  if (leftOut) progress("progress.vpn.left-out", { count: leftOut });
  return { membership, rendezvous: rendezvous.url, mac };
}

/** The community's own list says in which form each is asked; of an address that was typed it follows from its looks. */
function rendezvousList(answers: VpnAnswers, image: ImageInfo): Rendezvous[] {
  const known = image.community.vpn.rendezvous.map((each) =>
    typeof each === "string" ? { url: each, form: formOf(each) } : each,
  );
  const urls = answers.rendezvous ?? known.map(({ url }) => url);
  return urls.map((url) => known.find((each) => each.url === url) ?? { url, form: formOf(url) });
}

/** Of the card by which the rendezvous knows the box, as long as the box has it; else of the one with a cable in it. */
async function macAddress(box: Box, record: VpnRecord | undefined): Promise<string> {
  const chosen = await foremost(box, { known: record?.mac });
  if (chosen && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(chosen.mac)) return chosen.mac;
  return fail({
    code: "vpn-no-interface",
    what: "The box has no network card by which the VPN could know it.",
    hint: "Plug the network card in and try again, or go on without the VPN.",
  });
}

/** A VPN with the addresses of the network at home would cut the box off from one of the two. */
function refuseConflict({ address }: Membership, outside: readonly Address[]): void {
  const range = parseCidr(address);
  const other = outside.find((each) => {
    const its = parseCidr(`${each.address}/${each.prefix}`);
    return range && its && (contains(range, its.network) || contains(its, range.network));
  });
  if (!other) return;
  fail({
    code: "vpn-address-conflict",
    what: "The VPN uses addresses that the box's own network has already; nothing was changed.",
    found: `${address} in the VPN, ${other.address}/${other.prefix} at ${other.interface}`,
    hint: "Change the address of the local network, or go on without the VPN.",
  });
}
