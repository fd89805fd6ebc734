// SPDX-License-Identifier: GPL-3.0-or-later
// Fetches this DNS server's list of domains from the community's site, and installs it if BIND accepts it. Without an
// answer, or with an invalid one, the last list stays.

import { Failure, fail } from "../../common/fail.ts";
import { parseJson } from "../../common/json.ts";
import { ask, unavailable } from "../guifi/api.ts";
import { tlsTrust } from "../host/authorities.ts";
import { type Box, runOrFail } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { readStates } from "../services/state.ts";
import { parseDeviceNames } from "./devices.ts";
import { type Domains, parseDomains } from "./domains.ts";
import { CURRENT, writeLeftOut, ZONES } from "./left-out.ts";
import { refusedZones, withoutRefused } from "./refused.ts";
import { type Named, zoneFiles } from "./zones.ts";

const CONFIG = "/etc/bind/community-box/named.conf";
/** The owner's files, which named.conf includes, each with a configuration to check it alone. */
const ADDITIONS: readonly (readonly [file: string, alone: (include: string) => string])[] = [
  ["/etc/bind/named.conf.private", (include) => include],
  ["/etc/bind/named.conf.options.private", (include) => `options {\n${include}};\n`],
  ["/etc/bind/named.conf.int.private", (include) => `view "alone" {\n${include}};\n`],
  ["/etc/bind/named.conf.ext.private", (include) => `view "alone" {\n${include}};\n`],
];
const MAX_BYTES = 16 * 1024 * 1024;
/** Limit of checks: some errors of a zone are reported only after the others have been removed. */
const MOST_LOOKS = 20;
const NOTHING: List = {
  internal: { masters: [], slaves: [], forwards: [] },
  external: { masters: [], slaves: [], forwards: [] },
  left: [],
  devices: [],
};

interface List extends Domains {
  /** Devices of the zone on the map, for reverse look-ups. */
  readonly devices: readonly Named[];
}

type Log = (line: string) => void;

export type RefreshResult = "changed" | "unchanged" | "kept" | "undeclared";

/**
 * Idempotent. `kept`: the site did not answer, or its list is invalid. `undeclared`: this box has no number there,
 * and therefore no domains. Fails with `dns-refused` when BIND rejects the list.
 */
export async function refreshDomains(
  box: Box,
  image: ImageInfo,
  log: Log = () => {},
): Promise<RefreshResult> {
  const server = await numberOf(box);
  const current = await box.readLink(CURRENT);
  const before = current && (await box.readFile(`${ZONES}/${current}/source`));
  if (!server) {
    if (before !== "") await install(box, NOTHING, "", log);
    return "undeclared";
  }
  let text: string;
  let domains: Domains;
  try {
    text = await fetchPage(box, image, `${server}/domains`);
    domains = await parseDomains(text);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log(`the list of domains could not be fetched (${error.code}); the last one stays`);
    if (before === undefined) await install(box, NOTHING, "", log);
    return "kept";
  }
  const devices = await devicesOf(box, image, current, log);
  // The time at which the page was generated is not a change.
  const source = `${text.replace(/ generated="[^"]*"/, "")}${devices.length ? JSON.stringify(devices) : ""}`;
  if (source === before) return "unchanged";
  await install(box, { ...domains, devices }, source, log);
  log("the list of domains has changed");
  return "changed";
}

/** The owner's number, or the one under which the site has this box. */
async function numberOf(box: Box): Promise<string> {
  const state = (await readStates(box))["guifi-dns"];
  return String(state?.inputs.server || state?.declared || "");
}

/**
 * Devices of the zone that the owner set for it, or for another service of this box, such as the graphs. Without an
 * answer, those of the last list.
 */
async function devicesOf(
  box: Box,
  image: ImageInfo,
  current: string | undefined,
  log: Log,
): Promise<readonly Named[]> {
  const states = await readStates(box);
  const zones = [states["guifi-dns"], ...Object.values(states)].map((state) => state?.inputs.zone);
  const zone = zones.map(String).find((each) => /^[1-9]\d*$/.test(each));
  if (zone === undefined) return [];
  try {
    const page = await fetchPage(box, image, `${zone}/detail`);
    return await parseDeviceNames(page, new URL(image.community.website).hostname.replace(/^www\./, ""));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log(`the devices of the zone ${zone} could not be fetched (${error.code}); the last ones stay`);
    return parseJson((current && (await box.readFile(`${ZONES}/${current}/devices`))) || "[]", []);
  }
}

async function fetchPage(box: Box, image: ImageInfo, page: string): Promise<string> {
  const { status, body } = await ask(box, {
    method: "GET",
    url: `${image.community.api.cnml_url}/${page}`,
    maxBytes: MAX_BYTES,
    timeout: 60_000,
    tls: await tlsTrust(box, image),
  });
  if (status !== 200) return unavailable(status);
  return body.toString("utf8");
}

/**
 * Writes the new files beside the current ones, checks them, then replaces those. A line that BIND rejects is left
 * out; a zone rejected for another reason keeps its last good content. Both are reported, and do not affect other
 * zones.
 */
async function install(box: Box, list: List, source: string, log: Log): Promise<void> {
  const serial = Math.floor(box.now().getTime() / 1000);
  const directory = `${ZONES}/${serial}`;
  const { devices } = list;
  const last = await box.readLink(CURRENT);
  const left = [...list.left];
  for (const each of left) log(`left out: ${each}`);
  const files = new Map<string, string>();
  for (const name of ["internal", "external"] as const) {
    const made = zoneFiles(list[name], { directory, name, serial, devices });
    for (const [file, content] of made.files) files.set(`${directory}/${file}`, content);
    files.set(`${directory}/${name}.conf`, made.config);
  }
  await box.writeFile(`${directory}/source`, source);
  await box.writeFile(`${directory}/devices`, JSON.stringify(devices));
  for (const [path, content] of files) await box.writeFile(path, content);
  const candidate = `${directory}/named.conf`;
  await box.writeFile(candidate, ((await box.readFile(CONFIG)) ?? "").replaceAll(CURRENT, directory));
  /** Zones that keep their former content. */
  const stale = new Set<string>();
  const put = (what: string) => {
    left.push(what);
    log(`left out: ${what}`);
  };
  for (let looks = 1; ; looks++) {
    const said = await complaints(box, candidate, "-z");
    if (said === undefined) break;
    const good = await lastGood(
      box,
      last,
      refusedZones(files, said, directory).filter((zone) => !stale.has(zone)),
    );
    const without = withoutRefused(files, said, directory, new Set(good.keys()));
    if ((without.size === 0 && good.size === 0) || looks === MOST_LOOKS) await refuse(box, directory, said);
    for (const [zone, content] of good) {
      stale.add(zone);
      put(`${zone}: BIND refuses what the list has of it; the last good one stays`);
      files.set(`${directory}/${zone}`, content);
      await box.writeFile(`${directory}/${zone}`, content);
    }
    for (const [path, { content, left: lines }] of without) {
      for (const line of lines) put(`${path.slice(directory.length + 1)}, BIND refuses it: ${line}`);
      files.set(path, content);
      await box.writeFile(path, content);
    }
  }
  await box.remove(candidate);
  await writeLeftOut(box, directory, left);
  await runOrFail(box, "chown", ["--recursive", "root:bind", directory]);
  await box.symlink(String(serial), CURRENT);
  // Not while it is being switched on: then it starts with these zones.
  if ((await box.run("systemctl", ["is-active", "--quiet", "named.service"])).code === 0)
    await runOrFail(box, "rndc", ["reload"]);
  if (last && last !== String(serial)) await box.remove(`${ZONES}/${last}`);
}

/** The current records of these zones, `<view>.<zone>`; a new zone has none. */
async function lastGood(
  box: Box,
  last: string | undefined,
  zones: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const zone of zones) {
    const content = last === undefined ? undefined : await box.readFile(`${ZONES}/${last}/${zone}`);
    if (content !== undefined) found.set(zone, content);
  }
  return found;
}

async function refuse(box: Box, directory: string, said: string): Promise<never> {
  const first = said.split("\n").filter((line) => !/loaded serial/.test(line))[0] ?? "";
  const isOwners = ADDITIONS.some(([file]) => first.includes(file));
  const found = isOwners ? first : ((await refusedAddition(box, directory)) ?? first);
  await box.remove(directory);
  return fail({ code: "dns-refused", ...errorText("error.dns-refused"), found });
}

/** BIND's errors about a configuration, one per line, with its zones in the same order. */
async function complaints(box: Box, file: string, ...options: string[]): Promise<string | undefined> {
  const { code, stdout, stderr } = await box.run("named-checkconf", [...options, file]);
  return code === 0 ? undefined : `${stdout}${stderr}`.trim();
}

/**
 * An unclosed bracket in an included file is reported for the including file: therefore each of the owner's files is
 * checked alone.
 */
async function refusedAddition(box: Box, directory: string): Promise<string | undefined> {
  const alone = `${directory}/alone.conf`;
  for (const [file, wrapped] of ADDITIONS) {
    await box.writeFile(alone, wrapped(`include "${file}";\n`));
    const said = await complaints(box, alone);
    if (said !== undefined) return `${file}: ${(said.split("\n")[0] ?? "").replace(/^\S+:\d+: /, "")}`;
  }
  return undefined;
}
