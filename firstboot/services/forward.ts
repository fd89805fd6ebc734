// SPDX-License-Identifier: GPL-3.0-or-later
// Forwards ports of the box to the contexts with the sender's address (destination NAT), as a router does, so that
// services in a context see their clients' addresses.

import { Failure } from "../../common/fail.ts";
import { parseJson } from "../../common/json.ts";
import { type Config, type Instance, instancesOf, send } from "../contexts/incus.ts";
import { CONTEXTS, type ContextId, networkOf } from "../contexts/names.ts";
import { chooseNetworks, type Entrance, ensureAcls } from "../contexts/network-acl.ts";
import { type Box, runOrFail, writeIfChanged } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { paths } from "../host/paths.ts";
import { DEVICE, placeOf } from "./place.ts";
import { includes, type PortRange, parsePort } from "./ports.ts";
import { readStates } from "./state.ts";

/**
 * The nftables table, beside that of the contexts' firewall rules (contexts.nft). Incus' proxies with nat=true would
 * need one device per address, made again whenever DHCP or the VPN brings another; these rules ask the kernel whether
 * an address is the box's. Ordinary proxies stay in use: for the box's own programs, for what listens only on the
 * context's loopback, and when there are no rules. So the box still listens on every open port, and other code needs
 * no change. The PROXY protocol would need support in each service.
 */
export const TABLE = "community-box-ports";

/**
 * Updates the rules for the ports that are open now. Idempotent; never fails: without rules the proxies answer, and
 * the reason goes to `log`.
 */
export async function forwardPorts(
  box: Box,
  image: ImageInfo,
  log: (line: string) => void = () => {},
): Promise<void> {
  const isWanted = Object.values(await readStates(box)).some(
    ({ where, state }) => where !== "host" && state !== "off",
  );
  if (!isWanted && !(await box.exists(paths.contextPorts))) return;
  try {
    await box.inTurn(paths.contextPortsLock, () => refresh(box, image, log));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log(`clients of the contexts are seen by the address of a proxy: ${error.message} ${error.found ?? ""}`);
    await withdrawPorts(box);
  }
}

/** Removes all rules, now and for the next start. */
export async function withdrawPorts(box: Box): Promise<void> {
  if (!(await box.exists(paths.contextPorts))) return;
  await box.run("nft", ["-f", "-"], { input: emptyTable() });
  await box.remove(paths.contextPorts);
}

async function refresh(box: Box, image: ImageInfo, log: (line: string) => void): Promise<void> {
  const entrances: Entrance[] = [];
  for (const id of CONTEXTS) {
    const own = (await instancesOf(box, id)).find(({ name }) => name === id);
    // Incus does not answer, the context does not exist, or it is just starting or stopping, when Incus only reports
    // the state "Error": the rules stay until its state is known.
    if (!own?.devices) return;
    entrances.push(...(await entrancesOf(box, id, own)));
  }
  if (entrances.length > 0 && (await isFilteredByOthers(box))) {
    log("a firewall of this machine's own filters what is passed on, so the proxies answer for the contexts");
    entrances.length = 0;
  }
  const networks = await chooseNetworks(box);
  if (entrances.length === 0) {
    await withdrawPorts(box);
    return ensureAcls(box, networks, image, []);
  }
  // The ACLs must allow the traffic before it is forwarded.
  await ensureAcls(box, networks, image, entrances);
  await writeIfChanged(box, paths.contextPorts, rulesFile(entrances));
  await runOrFail(box, "nft", ["-f", paths.contextPorts]);
}

/** The ports published for a context that clients can reach directly. */
async function entrancesOf(box: Box, id: ContextId, own: Instance): Promise<Entrance[]> {
  const open = Object.entries(own.devices).flatMap(([name, device]) => openPort(name, device) ?? []);
  const address = open.length > 0 ? await fixedAddress(box, id, own) : undefined;
  if (address === undefined) return [];
  const { stdout } = await placeOf(box, id).run("ss", ["-Hlntu"]);
  const listeners = listenersOf(stdout, address);
  return open.flatMap(({ isLoopback, ...range }) => {
    const here = listeners.filter((each) => includes(range, each));
    // A service that does not listen now is expected to listen on the container's address, as nearly all do.
    const answers = here.length > 0 ? here.some(({ isReached }) => isReached) : isLoopback;
    return answers ? [{ ...range, context: id, address }] : [];
  });
}

/** From one of the box's proxy devices, if it is open to other machines. */
function openPort(name: string, { type, listen = "", connect = "" }: Config) {
  if (type !== "proxy" || !name.startsWith(DEVICE)) return undefined;
  const [, protocol, numbers] = /^(tcp|udp):0\.0\.0\.0:([\d-]+)$/.exec(listen) ?? [];
  const range = parsePort(`${numbers}/${protocol}`);
  // A port published at one address inside listens only there; [::1] stands for all of IPv6.
  return range && { ...range, isLoopback: connect.startsWith(`${protocol}:127.0.0.1:`) };
}

interface Listener extends PortRange {
  /** By packets to the container's address. */
  readonly isReached: boolean;
}

/** From the output of `ss -Hlntu`. */
function listenersOf(output: string, address: string): Listener[] {
  return output.split("\n").flatMap((line) => {
    const columns = line.trim().split(/\s+/);
    const [, local = "", port] = columns.flatMap((column) => /^(.*):(\d+)$/.exec(column) ?? []);
    if (port === undefined) return [];
    const isReached = ["0.0.0.0", "*", address].includes(local.replace(/%.*$/, ""));
    return [{ port: Number(port), protocol: columns[0] === "udp" ? "udp" : "tcp", isReached }];
  });
}

/**
 * Fixes the address of the context's container to its current one. Undefined if it has none yet, or uses another one
 * than it was given.
 */
async function fixedAddress(box: Box, id: ContextId, own: Instance): Promise<string | undefined> {
  const now = (own.state?.network?.eth0?.addresses ?? [])
    .filter(({ family, scope }) => family === "inet" && scope !== "link")
    .map(({ address }) => address);
  const fixed = own.devices.eth0?.["ipv4.address"];
  if (fixed !== undefined) return now.length === 0 || now.includes(fixed) ? fixed : undefined;
  const [leased] = now;
  if (leased === undefined) return undefined;
  const eth0 = { ...own.expanded_devices.eth0, "ipv4.address": leased };
  // PATCH keeps its other devices; one of them may just be being removed.
  await send(box, "PATCH", `/1.0/instances/${id}?project=${id}`, { devices: { eth0 } });
  return leased;
}

interface Ruleset {
  readonly nftables?: readonly {
    readonly chain?: RuleChain & { readonly hook?: string; readonly policy?: string };
    readonly rule?: { readonly family: string; readonly table: string; readonly chain: string };
  }[];
}

interface RuleChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
}

/**
 * Does another firewall filter forwarded packets, such as ufw, firewalld or Docker's on a converted machine? It may
 * drop the traffic to the contexts.
 */
async function isFilteredByOthers(box: Box): Promise<boolean> {
  const { nftables = [] } = parseJson<Ruleset>(
    await runOrFail(box, "nft", ["--json", "list", "ruleset"]),
    {},
  );
  return nftables.some(({ chain }) => {
    if (chain?.hook !== "forward" || chain.table === "incus" || chain.table.startsWith("community-box-"))
      return false;
    const rules = nftables.filter(
      ({ rule }) => rule?.family === chain.family && rule.table === chain.table && rule.chain === chain.name,
    );
    return chain.policy === "drop" || rules.length > 0;
  });
}

const emptyTable = () => `table ip ${TABLE}\ndelete table ip ${TABLE}\n`;

/** Input for nft that replaces the whole table atomically. */
export function rulesFile(entrances: readonly Entrance[]): string {
  const inner = CONTEXTS.map((id) => `"${networkOf(id)}"`).join(", ");
  const rules = entrances.map(({ protocol, port, last, address, context }) => {
    const numbers = last === undefined ? port : `${port}-${last}`;
    return `\t\t${protocol} dport ${numbers} dnat to ${address} comment "${context}"\n`;
  });
  return `# Written by Community Box (cbox services): ports of the box that lead into its contexts.
${emptyTable()}
table ip ${TABLE} {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname { "lo", ${inner} } accept comment "the walls answer these"
		fib daddr type != local accept comment "passes through to somebody else"
${rules.sort().join("")}	}
}
`;
}
