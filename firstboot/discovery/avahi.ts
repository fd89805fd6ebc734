// SPDX-License-Identifier: GPL-3.0-or-later
// Services that neighbours in the VPN announce by multicast DNS, from this box's Avahi; other programs may announce
// there, too.

import { isIPv4 } from "node:net";
import type { PublishedService } from "../../common/serf-payload.ts";
import type { Box } from "../host/box.ts";
import { readRecord } from "../vpn/record.ts";

export interface Heard {
  readonly service: PublishedService;
  /** Round trip of a ping through the VPN, milliseconds. */
  readonly rtt: number;
}

/** Limit of the addresses that are pinged. */
const MOST_ADDRESSES = 100;
/** In parallel; each is a process. */
const AT_ONCE = 20;

/**
 * Empty without a VPN, or if Avahi does not run. Hosts that do not answer a ping are left out: Avahi remembers
 * announcements for two minutes (RFC 6762, section 10) after a box was just switched off.
 */
export async function heardByAvahi(box: Box): Promise<readonly Heard[]> {
  const record = await readRecord(box);
  if (!record) return [];
  const browse = ["--all", "--resolve", "--terminate", "--parsable", "--no-db-lookup"];
  const { code, stdout } = await box.run("avahi-browse", browse, { timeout: 15_000 });
  if (code !== 0) return [];
  const services = parseBrowse(stdout, record.network);
  const addresses = [...new Set(services.map(({ i }) => i))].slice(0, MOST_ADDRESSES);
  const distances = new Map<string, number>();
  for (let index = 0; index < addresses.length; index += AT_ONCE) {
    const group = addresses.slice(index, index + AT_ONCE);
    const answers = await Promise.all(group.map((address) => ping(box, record.network, address)));
    group.forEach((address, place) => {
      const rtt = answers[place];
      if (rtt !== undefined) distances.set(address, rtt);
    });
  }
  return services.flatMap((service) => {
    const rtt = distances.get(service.i);
    return rtt === undefined ? [] : [{ service, rtt }];
  });
}

/**
 * Output of `avahi-browse --parsable --resolve`:
 * "=;guifi;IPv4;A\032name;_http._tcp;local;host.local;10.1.2.3;80;"a=b" "c=d"".
 */
export function parseBrowse(output: string, network: string): PublishedService[] {
  return output.split("\n").flatMap((line) => {
    const [sign, on, protocol, name = "", type = "", , host = "", address = "", port = "", ...rest] =
      line.split(";");
    const [, short] = /^_([A-Za-z0-9-]+)\._(?:tcp|udp)$/.exec(type) ?? [];
    if (sign !== "=" || on !== network || protocol !== "IPv4" || !short || !isIPv4(address)) return [];
    const records = [...rest.join(";").matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) =>
      unescaped(text),
    );
    return [{ s: short, d: unescaped(name), m: host, i: address, p: port, e: "", t: records.join("&") }];
  });
}

/** Avahi escapes special characters as \ and three decimal digits per byte, or as \ and the character. */
function unescaped(text: string): string {
  const bytes = text.split(/(\\\d{3}|\\.)/).map((part) => {
    if (/^\\\d{3}$/.test(part)) return Buffer.of(Number(part.slice(1)) & 0xff);
    return Buffer.from(part.startsWith("\\") ? part.slice(1) : part);
  });
  return Buffer.concat(bytes).toString("utf8");
}

/** Undefined without an answer. The address is untrusted: it is pinged only through the VPN. */
async function ping(box: Box, network: string, address: string): Promise<number | undefined> {
  const { code, stdout } = await box.run("ping", [
    ...["-4", "-n", "-q", "-c", "3", "-i", "0.2", "-W", "2", "-I", network, address],
  ]);
  // "rtt min/avg/max/mdev = 0.041/0.052/0.060/0.008 ms"
  const average = Number(/^rtt [a-z/]+ = [\d.]+\/([\d.]+)\//m.exec(stdout)?.[1]);
  return code === 0 && Number.isFinite(average) ? average : undefined;
}
