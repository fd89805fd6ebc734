// SPDX-License-Identifier: GPL-3.0-or-later
// Fetches the list of domains that the community's site has for this DNS server, and gives it to BIND when BIND agrees.
// Without an answer, or with one that makes no sense, the last list stays.

import { Failure, fail } from "../../common/fail.ts";
import { tlsTrust } from "../authorities.ts";
import { type Box, must } from "../box.ts";
import { ask, unavailable } from "../guifi/api.ts";
import type { ImageInfo } from "../image-info.ts";
import { readStates } from "../services/state.ts";
import { type Domains, parseDomains } from "./domains.ts";
import { zoneFiles } from "./zones.ts";

/** Of the service guifi-dns; the template of named.conf names it, too. */
export const ZONES = "/var/lib/bind/community-box";
const CONFIG = "/etc/bind/community-box/named.conf";
const CURRENT = `${ZONES}/current`;
/** The owner's own, which named.conf includes: the first outside the views, the others in one each. */
const OPTIONS = "/etc/bind/named.conf.options.private";
const ADDITIONS = [OPTIONS, "/etc/bind/named.conf.int.private", "/etc/bind/named.conf.ext.private"];
const MAX_BYTES = 16 * 1024 * 1024;
const NOTHING: Domains = {
  internal: { masters: [], slaves: [], forwards: [] },
  external: { masters: [], slaves: [], forwards: [] },
};

export type RefreshResult = "changed" | "unchanged" | "kept" | "undeclared";

/**
 * Idempotent. `kept`: the site did not answer, or not with such a list. `undeclared`: this box has no number there, and so
 * no domains of its own. Fails with `dns-refused` when BIND does not take what the site said.
 */
export async function refreshDomains(
  box: Box,
  image: ImageInfo,
  log: (line: string) => void = () => {},
): Promise<RefreshResult> {
  const server = await numberOf(box);
  const current = await box.readLink(CURRENT);
  const before = current && (await box.readFile(`${ZONES}/${current}/source`));
  if (!server) {
    if (before !== "") await install(box, NOTHING, "");
    return "undeclared";
  }
  let text: string;
  let domains: Domains;
  try {
    text = await fetchDomains(box, image, server);
    domains = await parseDomains(text);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log(`the list of domains could not be fetched (${error.code}); the last one stays`);
    if (before === undefined) await install(box, NOTHING, "");
    return "kept";
  }
  // The page says when it was made, which is no change.
  const source = text.replace(/ generated="[^"]*"/, "");
  if (source === before) return "unchanged";
  await install(box, domains, source);
  log("the list of domains has changed");
  return "changed";
}

/** The owner's, or the one under which the site knows this box. */
async function numberOf(box: Box): Promise<string> {
  const state = (await readStates(box))["guifi-dns"];
  return String(state?.inputs.server || state?.declared || "");
}

async function fetchDomains(box: Box, image: ImageInfo, server: string): Promise<string> {
  const { status, body } = await ask(box, {
    method: "GET",
    url: `${image.community.api.cnml_url}/${server}/domains`,
    maxBytes: MAX_BYTES,
    timeout: 30_000,
    tls: await tlsTrust(box, image),
  });
  if (status !== 200) return unavailable(status);
  return body.toString("utf8");
}

/** Beside what is there, tried, then in its place. */
async function install(box: Box, domains: Domains, source: string): Promise<void> {
  const serial = Math.floor(box.now().getTime() / 1000);
  const directory = `${ZONES}/${serial}`;
  for (const name of ["internal", "external"] as const) {
    const { config, files } = zoneFiles(domains[name], { directory, name, serial });
    for (const [file, content] of files) await box.writeFile(`${directory}/${file}`, content);
    await box.writeFile(`${directory}/${name}.conf`, config);
  }
  await box.writeFile(`${directory}/source`, source);
  const candidate = `${directory}/named.conf`;
  await box.writeFile(candidate, ((await box.readFile(CONFIG)) ?? "").replaceAll(CURRENT, directory));
  const refused = await refusal(box, candidate, "-z");
  await box.remove(candidate);
  if (refused !== undefined) {
    const found = ADDITIONS.some((file) => refused.includes(file))
      ? refused
      : ((await refusedAddition(box, directory)) ?? refused);
    await box.remove(directory);
    fail({
      code: "dns-refused",
      what: "BIND does not take the community's list of domains, or your own additions; the last list stays.",
      found,
      hint: "Look at /etc/bind/named.conf.*.private, or wait: the box tries again every hour.",
    });
  }
  const last = await box.readLink(CURRENT);
  await must(box, "chown", ["--recursive", "root:bind", directory]);
  await box.symlink(String(serial), CURRENT);
  // Not while it is being switched on: it starts with these zones then.
  if ((await box.run("systemctl", ["is-active", "--quiet", "named.service"])).code === 0)
    await must(box, "rndc", ["reload"]);
  if (last && last !== String(serial)) await box.remove(`${ZONES}/${last}`);
}

/** What BIND says first against a configuration. */
async function refusal(box: Box, file: string, ...options: string[]): Promise<string | undefined> {
  const { code, stdout, stderr } = await box.run("named-checkconf", [...options, file]);
  if (code === 0) return undefined;
  const lines = `${stdout}${stderr}`.trim().split("\n");
  return lines.filter((line) => !/loaded serial/.test(line))[0] ?? "";
}

/**
 * A bracket that is not closed in one file goes on in the file that includes it, and BIND names the wrong one: so each of
 * the owner's is looked at alone.
 */
async function refusedAddition(box: Box, directory: string): Promise<string | undefined> {
  const alone = `${directory}/alone.conf`;
  for (const file of ADDITIONS) {
    const include = `include "${file}";\n`;
    await box.writeFile(alone, file === OPTIONS ? include : `view "alone" {\n${include}};\n`);
    const refused = await refusal(box, alone);
    if (refused !== undefined) return `${file}: ${refused.replace(/^\S+:\d+: /, "")}`;
  }
  return undefined;
}
