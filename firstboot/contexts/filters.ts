// SPDX-License-Identifier: GPL-3.0-or-later
// Prevents spoofing: Incus lets each interface of a container or virtual machine send only with its own MAC and IPv4
// address. IPv6, which the contexts do not get, is dropped by contexts.nft: Incus' own filter for it would stop all
// starts where bridged packets are not filtered (Docker, libvirt).

import { Failure } from "../../common/fail.ts";
import { type Box, writeIfChanged } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import { type Config, get, instancesOf, send } from "./incus.ts";
import { CONTEXTS, networkOf } from "./names.ts";
import { readRecord } from "./record.ts";

export const FILTERS: Config = {
  "security.mac_filtering": "true",
  "security.ipv4_filtering": "true",
};

/** An nft table like those of Incus, to test whether the kernel accepts it. */
const TRIAL = `table bridge community-box-trial {
	chain trial {
		type filter hook input priority -200; policy accept;
		iifname "none" ether type arp arp saddr ip != 192.0.2.1 drop
	}
}
`;

/** If the filters cannot be created, no container would start with them. */
export async function canFilter(box: Box): Promise<boolean> {
  const server = await get<{ environment?: { firewall?: string } }>(box, "/1.0");
  if (server?.environment?.firewall !== "nftables") return false;
  return (await box.run("nft", ["--check", "-f", "-"], { input: TRIAL })).code === 0;
}

/** Adds the filters to every interface in the contexts' networks that lacks them, running instances included. */
export async function ensureFilters(box: Box): Promise<void> {
  for (const id of CONTEXTS) {
    const profile = `/1.0/profiles/default?project=${id}`;
    const { devices = {} } = (await get<{ devices?: Devices }>(box, profile)) ?? {};
    await patch(box, profile, lacking(devices));
    for (const { name, devices: own = {} } of await instancesOf(box, id))
      await patch(box, `/1.0/instances/${name}?project=${id}`, lacking(own));
  }
}

type Devices = Readonly<Record<string, Config>>;

function lacking(devices: Devices): Devices {
  const networks = CONTEXTS.map(networkOf);
  const open = Object.entries(devices).filter(
    ([, device]) =>
      device.type === "nic" &&
      networks.includes(device.network ?? "") &&
      Object.entries(FILTERS).some(([key, value]) => device[key] !== value),
  );
  return Object.fromEntries(open.map(([name, device]) => [name, { ...device, ...FILTERS }]));
}

async function patch(box: Box, path: string, devices: Devices): Promise<void> {
  if (Object.keys(devices).length > 0) await send(box, "PATCH", path, { devices });
}

/**
 * For a box that was divided before these rules existed: they are added once, at the next announcement. A failure
 * does not stop the announcement: it is logged, and the next one tries again.
 */
export async function catchUpWalls(box: Box, log: (line: string) => void): Promise<void> {
  const record = await readRecord(box);
  if (!record || "none" in record || (await box.exists(paths.contextsFiltered))) return;
  try {
    // Does nothing if the unit runs already.
    await box.run("systemctl", ["start", "cbox-walls.service"]);
    if (await canFilter(box)) await ensureFilters(box);
    else log("Incus cannot filter here, so a sliver may pose as another one");
    await writeIfChanged(box, paths.contextsFiltered, "");
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log(`the interfaces of the contexts are not filtered yet: ${error.message} ${error.found ?? ""}`);
  }
}
