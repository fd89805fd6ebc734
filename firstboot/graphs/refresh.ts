// SPDX-License-Identifier: GPL-3.0-or-later
// Fetches the map of the zone from the community's site, and updates the graph server's devices. Without an answer,
// or with an invalid one, the last list stays.

import { Failure } from "../../common/fail.ts";
import { parseCidr } from "../../common/ipv4.ts";
import { ask, unavailable } from "../guifi/api.ts";
import { tlsTrust } from "../host/authorities.ts";
import { type Box, runOrFail } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { readStates } from "../services/state.ts";
import { type GraphedDevice, parseDevices } from "./devices.ts";
import { collectdConfig, deviceTable } from "./files.ts";

/** Files of the service guifi-graphs; its templates contain the same paths. */
const CONFIG = "/var/lib/cbox-graphs/devices.conf";
const TABLE = "/var/lib/cbox-graphs/devices.tsv";
const POLLER = "cbox-guifi-graphs-poll.service";
/** A zone of a hundred nodes takes about 200 KiB; the whole network, too large for a box, 100 MiB and more. */
const MAX_BYTES = 16 * 1024 * 1024;
/** About 300 KiB of data each, and their queries fit well into five minutes. */
const MOST_DEVICES = 1000;

export type GraphsResult = "changed" | "unchanged" | "kept";

/** Idempotent. `kept`: the site did not answer, or its map is invalid. */
export async function refreshGraphs(
  box: Box,
  image: ImageInfo,
  log: (line: string) => void = () => {},
): Promise<GraphsResult> {
  const before = await box.readFile(TABLE);
  let found: GraphedDevice[];
  try {
    found = await fetchDevices(box, image);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log(`the map of the zone could not be fetched (${error.code}); the last list of devices stays`);
    if (before === undefined) await install(box, []);
    return "kept";
  }
  const devices = found.slice(0, MOST_DEVICES);
  if (found.length > devices.length)
    log(`the zone has ${found.length} devices; only the first ${MOST_DEVICES} are asked`);
  const isSame = (await box.readFile(CONFIG)) === collectdConfig(devices);
  if (isSame && before === deviceTable(devices)) return "unchanged";
  await install(box, devices);
  // Not while the service is being switched on: then it starts with this list.
  if (!isSame) await runOrFail(box, "systemctl", ["try-restart", POLLER]);
  log(`${devices.length} devices of the zone are asked for their figures`);
  return "changed";
}

async function fetchDevices(box: Box, image: ImageInfo): Promise<GraphedDevice[]> {
  const { zone, server } = (await readStates(box))["guifi-graphs"]?.inputs ?? {};
  const { status, body } = await ask(box, {
    method: "GET",
    url: `${image.community.api.cnml_url}/${zone}/detail`,
    maxBytes: MAX_BYTES,
    timeout: 60_000,
    tls: await tlsTrust(box, image),
  });
  if (status !== 200) return unavailable(status);
  const ranges = image.community.address_ranges.map(parseCidr).filter((range) => range !== undefined);
  return parseDevices(body.toString("utf8"), { ranges, ...(server ? { server: String(server) } : {}) });
}

async function install(box: Box, devices: readonly GraphedDevice[]): Promise<void> {
  await box.writeFile(TABLE, deviceTable(devices));
  await box.writeFile(CONFIG, collectdConfig(devices));
}
