// SPDX-License-Identifier: GPL-3.0-or-later
// Asks the rendezvous again for new and removed peers. tinc refuses peers whose key it does not have, so without this
// a box could not reach later ones. It runs unattended: errors are recorded for `cbox vpn`, and retried after an
// hour.

import { Failure } from "../../common/fail.ts";
import { type Box, runOrFail } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { sayFound } from "../host/found-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { paths } from "../host/paths.ts";
import { putInPlace } from "./directory.ts";
import { publicHalf } from "./keys.ts";
import { vpnPaths } from "./paths.ts";
import {
  type LastAsked,
  noteSeen,
  readLastAsked,
  readRecord,
  type VpnRecord,
  writeLastAnswer,
  writeRecord,
} from "./record.ts";
import { addressesOutside, askFor, rendezvousAt } from "./request.ts";
import { findSameAddress } from "./same-address.ts";
import { findHeld, type Held } from "./surroundings.ts";
import { needsRestart, tincFiles } from "./tinc-files.ts";
import { askPeers, targetsOf } from "./tunnel.ts";

/**
 * `none`: no rendezvous, since the box is in no VPN or used a bundle. `failed`: no acceptable reply. `busy`: the
 * set-up is changing the VPN.
 */
export type RefreshResult = "none" | "busy" | "failed" | "unchanged" | "changed";

export interface RefreshTools {
  readonly log?: (line: string) => void;
  /** Locks the set-up during changes; fails with `setup-busy`. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Idempotent. */
export async function refreshVpn(
  box: Box,
  image: ImageInfo,
  { log = () => {}, alone }: RefreshTools,
): Promise<RefreshResult> {
  const record = await readRecord(box);
  if (!record?.rendezvous) return "none";
  try {
    const answer = await askAgain(box, image, record, record.rendezvous);
    // Locked only now: a slow server must not block the set-up.
    return await alone(async () => {
      if (JSON.stringify(await readRecord(box)) !== JSON.stringify(record)) return "busy";
      const changed = await take(box, record, answer);
      if (changed.length) log(`the VPN has changed: ${changed.join(", ")}`);
      await noteAsked(box, answer);
      await look(box);
      return changed.length ? "changed" : "unchanged";
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code === "setup-busy") return "busy";
    log(`the rendezvous was asked in vain (${error.code}${error.found ? `, ${error.found}` : ""})`);
    await noteAsked(box, { failure: error });
    return "failed";
  }
}

type Answer = Awaited<ReturnType<typeof askFor>> & {
  readonly key: { readonly privateKey: string; readonly publicKey: string };
  /** For the network that the box is in: it was not there when the box joined. */
  readonly held?: Held | undefined;
};

async function askAgain(box: Box, image: ImageInfo, record: VpnRecord, url: string): Promise<Answer> {
  const { network } = record;
  const privateKey = (await box.readFile(vpnPaths(network).privateKey)) ?? "";
  const publicKey = publicHalf(privateKey) ?? noKey();
  const outside = await addressesOutside(box, [network]);
  const answer = await askFor(box, image, {
    ...{ network, record, publicKey, outside, isAgain: true },
    key: (await box.readFile(paths.vpnKey))?.trim(),
    rendezvous: [rendezvousAt(url, image)],
  });
  if (answer.membership.peers.length === 0 && record.peers.length > 0) refuseEmpty(url, record);
  const held = await findHeld(box, image, answer.membership, url);
  return { ...answer, key: { privateKey, publicKey }, held };
}

async function take(
  box: Box,
  record: VpnRecord,
  { membership, mac, key }: Answer,
): Promise<readonly string[]> {
  const { network, rendezvous, waiting_since, same_address } = record;
  const { unit, directory } = vpnPaths(network);
  const before = await box.readFile(`${directory}/tinc.conf`);
  const files = tincFiles(network, membership, key);
  const changed = await putInPlace(box, network, files);
  await writeRecord(box, network, membership, {
    ...(rendezvous === undefined ? {} : { rendezvous }),
    ...{ mac },
    ...(waiting_since === undefined ? {} : { waiting_since }),
    ...(same_address === undefined ? {} : { same_address }),
  });
  // After a failed reload, tincd is notified again even without new changes.
  if (changed.length === 0 && (await readLastAsked(box))?.failed !== "command-failed") return changed;
  const isOther = needsRestart(membership, changed, before, files.get("tinc.conf")?.content);
  await runOrFail(box, "systemctl", [isOther ? "try-restart" : "try-reload-or-restart", unit]);
  return changed;
}

async function noteAsked(
  box: Box,
  { failure, held }: { readonly failure?: Failure; readonly held?: Held | undefined },
): Promise<void> {
  const { code: failed, foundText } = failure ?? {};
  const at = box.now().toISOString();
  const answered = failed === undefined ? at : (await readLastAsked(box))?.answered;
  const asked: LastAsked = {
    at,
    ...(answered === undefined ? {} : { answered }),
    ...(failed === undefined ? {} : { failed }),
    ...(foundText ? { details: foundText.values } : {}),
    ...(held ? { held: { ...held } } : {}),
  };
  await box.writeFile(paths.vpnAsked, `${JSON.stringify(asked)}\n`);
}

/** Checks whether a peer now answers a box that waits for that, and whether another machine has its address. */
async function look(box: Box): Promise<void> {
  const record = await readRecord(box);
  if (!record) return;
  const from =
    record.waiting_since === undefined ? undefined : await askPeers(box, record.network, targetsOf(record));
  if (from !== undefined) await writeLastAnswer(box, from);
  await noteSeen(box, record, {
    ...(from === undefined ? {} : { waiting_since: undefined }),
    same_address: await findSameAddress(box, record),
  });
}

/** A rendezvous that lost its list: if accepted, the box would lose all its peers. */
function refuseEmpty(url: string, { peers }: VpnRecord): never {
  throw new Failure({
    code: "rendezvous-empty",
    what: "The rendezvous names nobody in the VPN any more; the box keeps those that it knows.",
    ...sayFound("found.vpn-empty", { host: new URL(url).host, count: peers.length }),
    hint: "Tell who looks after the rendezvous. If really nobody is left: sudo cbox vpn setup.",
  });
}

function noKey(): never {
  throw new Failure({ code: "vpn-key-damaged", ...errorText("error.vpn-key-damaged") });
}
