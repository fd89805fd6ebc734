// SPDX-License-Identifier: GPL-3.0-or-later
// What `cbox lab show` prints, in this order: one line per reader.
import { siteReaders } from "../guifi-site/reader.ts";
import type { Lab } from "../lab.ts";
import type { Reader, Row } from "../reader.ts";
import { vpnPeers } from "../rendezvous/reader.ts";
import { leasesReader } from "./leases.ts";
import { serfMembers, serfServices } from "./serf.ts";
import { signedIn } from "./signed-in.ts";

export const READERS: readonly Reader[] = [
  signedIn,
  ...siteReaders,
  leasesReader,
  vpnPeers,
  serfMembers,
  serfServices,
];

/** All that the community knows, by the readers' names. */
export async function readAll(lab: Lab, readers = READERS): Promise<Record<string, readonly Row[]>> {
  const known = readers.map(async (reader) => [reader.name, await reader.read(lab)] as const);
  return Object.fromEntries(await Promise.all(known));
}
