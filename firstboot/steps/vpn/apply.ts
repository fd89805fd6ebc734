// SPDX-License-Identifier: GPL-3.0-or-later
// Applies "vpn": the box's own key, an answer from a rendezvous (or the bundle), tinc's files as a whole, the units.
// Nothing on the box changes before the answer is complete and checked.

import { fail } from "../../../common/fail.ts";
import { must, writeIfChanged } from "../../box.ts";
import { paths } from "../../paths.ts";
import { startAvahi } from "../../vpn/avahi.ts";
import { putInPlace } from "../../vpn/directory.ts";
import { ownKey } from "../../vpn/keys.ts";
import { type Membership, readMembership } from "../../vpn/membership.ts";
import { ASK_AGAIN, CLOCK_WATCH, vpnPaths } from "../../vpn/paths.ts";
import { readRecord, type VpnRecord, writeRecord } from "../../vpn/record.ts";
import {
  addressesOutside,
  askFor,
  communityRendezvous,
  refuseConflict,
  rendezvousAt,
} from "../../vpn/request.ts";
import { tincFiles } from "../../vpn/tinc-files.ts";
import { switchOff, switchOn } from "../../vpn/units.ts";
import type { Address } from "../../world.ts";
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
  const outside = await addressesOutside(box, [network, record?.network]);
  const networkKey = await keyOfNetwork(answers, tools);
  const asked: VpnAnswers = { ...answers, ...(networkKey === undefined ? {} : { key: networkKey }) };
  const { membership, ...origin } = await join(asked, network, key.publicKey, outside, record, tools);
  refuseConflict(membership, outside);

  progress("progress.vpn.apply", { name: membership.name, address: membership.address });
  if (record && record.network !== network) await leave(box, record.network);
  await putInPlace(box, network, tincFiles(network, membership, key));
  if (networkKey === undefined) await box.remove(paths.vpnKey);
  else await writeIfChanged(box, paths.vpnKey, `${networkKey}\n`, { mode: 0o600 });
  await writeRecord(box, network, membership, origin);
  const { unit } = vpnPaths(network);
  await must(box, "systemctl", ["enable", ALL_NETWORKS, unit]);
  // Always: a cut may have come between the files and this, and who runs may know the old ones only.
  await must(box, "systemctl", ["restart", unit]);
  await switchOn(box, CLOCK_WATCH);
  await (origin.rendezvous ? switchOn : switchOff)(box, ASK_AGAIN);
  await startAvahi(box, network);
}

/** One that was given before, and not again, is the same; undefined: the community's. */
async function keyOfNetwork({ key }: VpnAnswers, { box, given }: StepTools): Promise<string | undefined> {
  if (key !== undefined || !given.has("vpn.key")) return key;
  return (await box.readFile(paths.vpnKey))?.trim();
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
  const list = answers.rendezvous?.map((url) => rendezvousAt(url, image)) ?? communityRendezvous(image);
  const { membership, rendezvous, mac, leftOut } = await askFor(
    box,
    image,
    { network, key: answers.key, publicKey, rendezvous: list, outside, record },
    (host) => progress("progress.vpn.ask", { host }),
  );
  if (leftOut) progress("progress.vpn.left-out", { count: leftOut });
  return { membership, rendezvous: rendezvous.url, mac };
}
