// SPDX-License-Identifier: GPL-3.0-or-later
// Applies "vpn": the box's key, a reply from a rendezvous (or the bundle), tinc's complete files, the units. Nothing
// on the box is changed before the reply is complete and checked.

import { fail } from "../../../common/fail.ts";
import { runOrFail, writeIfChanged } from "../../host/box.ts";
import type { Address } from "../../host/network-facts.ts";
import { paths } from "../../host/paths.ts";
import type { StepTools } from "../../setup/step.ts";
import { startAvahi } from "../../vpn/avahi.ts";
import { putInPlace } from "../../vpn/directory.ts";
import { ownKey } from "../../vpn/keys.ts";
import { type Membership, readMembership } from "../../vpn/membership.ts";
import { ASK_AGAIN, CLOCK_WATCH, vpnPaths } from "../../vpn/paths.ts";
import { networkOf } from "../../vpn/ranges.ts";
import { readRecord, type VpnRecord, writeRecord } from "../../vpn/record.ts";
import { isPlain } from "../../vpn/rendezvous.ts";
import {
  addressesOutside,
  askFor,
  communityRendezvous,
  refuseConflict,
  rendezvousAt,
} from "../../vpn/request.ts";
import { lockUp } from "../../vpn/sandbox.ts";
import { refuseHeld } from "../../vpn/surroundings.ts";
import { tincFiles } from "../../vpn/tinc-files.ts";
import { switchOff, switchOn } from "../../vpn/units.ts";
import { leave } from "./leave.ts";
import type { VpnAnswers } from "./questions.ts";

/** Debian's instances of tinc@.service are started by this unit. */
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
  const outside = await addressesOutside(box, [network, record?.network]);
  const networkKey = await keyOfNetwork(answers, tools);
  const asked: VpnAnswers = { ...answers, ...(networkKey === undefined ? {} : { key: networkKey }) };
  const { membership, ...origin } = await join(asked, network, key.publicKey, outside, record, tools);

  progress("progress.vpn.apply", { name: membership.name, address: membership.address });
  if (record && record.network !== network) await leave(box, record.network);
  await putInPlace(box, network, tincFiles(network, membership, key));
  if (networkKey === undefined) await box.remove(paths.vpnKey);
  else await writeIfChanged(box, paths.vpnKey, `${networkKey}\n`, { mode: 0o600 });
  await writeRecord(box, network, membership, origin);
  const { unit } = vpnPaths(network);
  await lockUp(box, unit, "tinc");
  await runOrFail(box, "systemctl", ["enable", ALL_NETWORKS, unit]);
  // Always: after a power cut the files may be newer than what the running daemon has loaded.
  await runOrFail(box, "systemctl", ["restart", unit]);
  await switchOn(box, CLOCK_WATCH);
  await (origin.rendezvous ? switchOn : switchOff)(box, ASK_AGAIN);
  await startAvahi(box, network);
}

/** A key that was given earlier stays if it is not given again; undefined means the community's. */
async function keyOfNetwork(
  { key }: VpnAnswers,
  { box, providedSecrets }: StepTools,
): Promise<string | undefined> {
  if (key !== undefined || !providedSecrets.has("vpn.key")) return key;
  return (await box.readFile(paths.vpnKey))?.trim();
}

/** The number of peers shown before the box joins. */
const SHOWN = 4;

/** Shows what the box is going to join, before it does. */
function sayTold({ address, peers }: Membership, url: string, progress: StepTools["progress"]): void {
  const { host } = new URL(url);
  progress(isPlain(url) ? "progress.vpn.told-plain" : "progress.vpn.told", {
    ...{ host, network: networkOf(address) },
  });
  const names = peers
    .slice(0, SHOWN)
    .map(({ name, address: at }) => (at === undefined ? name : `${name} (${at})`));
  if (peers.length > SHOWN) names.push("...");
  if (peers.length > 0) progress("progress.vpn.told-peers", { count: peers.length, names: names.join(", ") });
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
    // `check` has verified that it is complete.
    if (!membership) return fail({ code: "unexpected", what: "The VPN's bundle is incomplete." });
    refuseConflict(membership, outside);
    await refuseHeld(box, image, membership, undefined);
    return { membership };
  }
  const list = answers.rendezvous?.map((url) => rendezvousAt(url, image)) ?? communityRendezvous(image);
  const { membership, rendezvous, mac, leftOut } = await askFor(
    box,
    image,
    { network, key: answers.key, publicKey, rendezvous: list, outside, record },
    (host) => progress("progress.vpn.ask", { host }),
  );
  if (leftOut) progress("progress.vpn.left-out", { count: leftOut });
  sayTold(membership, rendezvous.url, progress);
  return { membership, rendezvous: rendezvous.url, mac };
}
