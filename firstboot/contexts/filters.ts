// SPDX-License-Identifier: GPL-3.0-or-later
// Nobody poses as another one: Incus lets an interface of a context's container, of a sliver or of a virtual machine send
// by its own MAC and IPv4 address alone. IPv6, which the contexts are not given, is dropped by the box (contexts.nft):
// Incus' own filter for it would keep everything from starting where bridged packets are not filtered (Docker, libvirt).

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

/** For nft, as Incus does it. */
const TRIAL = `table bridge community-box-trial {
	chain trial {
		type filter hook input priority -200; policy accept;
		iifname "none" ether type arp arp saddr ip != 192.0.2.1 drop
	}
}
`;

/** Where they cannot be made, no container would start. */
export async function canFilter(box: Box): Promise<boolean> {
  const server = await get<{ environment?: { firewall?: string } }>(box, "/1.0");
  if (server?.environment?.firewall !== "nftables") return false;
  return (await box.run("nft", ["--check", "-f", "-"], { input: TRIAL })).code === 0;
}

/** Gives them to every interface in the contexts' networks that lacks them, of what runs, too. */
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
 * For a box that was divided before there were these walls: once, by its next announcement. No reason for anything else to
 * fail; `log` is told why, and the next announcement tries again.
 */
export async function catchUpWalls(box: Box, log: (line: string) => void): Promise<void> {
  const record = await readRecord(box);
  if (!record || "none" in record || (await box.exists(paths.contextsFiltered))) return;
  try {
    // Where it runs already, nothing happens.
    await box.run("systemctl", ["start", "cbox-walls.service"]);
    if (await canFilter(box)) await ensureFilters(box);
    else log("Incus cannot filter here, so a sliver may pose as another one");
    await writeIfChanged(box, paths.contextsFiltered, "");
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log(`the interfaces of the contexts are not filtered yet: ${error.message} ${error.found ?? ""}`);
  }
}
