// SPDX-License-Identifier: GPL-3.0-or-later
// The Serf tag "services", byte-compatible with existing nodes: base64(bzip2(JSON array)), string values only. Serf
// allows 512 bytes for all tags of a node; what does not fit is left out and reported. Old nodes parse it in a shell
// script: it replaces ' by " and splits the services at white space.

import { fail } from "./fail.ts";

/** One published service, with the tag's keys. */
export interface PublishedService {
  /** Type, e.g. "syncthing". */
  readonly s: string;
  /** Description; white space is written as "_". */
  readonly d: string;
  /** Host: `<host name>.<cloud>.local`. */
  readonly m: string;
  /** IPv4 address in the community. */
  readonly i: string;
  /** Port, decimal. */
  readonly p: string;
  /** Microcloud. */
  readonly e: string;
  /** Extra `key=value` pairs, joined by "&". */
  readonly t: string;
}

/** Runs bzip2 or bunzip2 as a filter. Node has no bzip2 of its own. */
export type Filter = (command: "bzip2" | "bunzip2", input: Uint8Array) => Promise<Uint8Array>;

export const SERVICES_TAG = "services";
/** memberlist's MetaMaxSize. */
export const SERF_META_LIMIT = 512;

const KEYS = ["s", "d", "m", "i", "p", "e", "t"] as const;

/** Fails with `serf-field` if a service has white space in a field other than its description. */
export async function encodeServices(services: readonly PublishedService[], filter: Filter): Promise<string> {
  const items = services.map((service) => {
    const fault = faultOfService(service);
    if (fault !== undefined) {
      fail({
        code: "serf-field",
        what: `A service of the type "${service.s}" cannot be announced: white space in a field would break the search of older nodes.`,
        found: fault,
        hint: 'Take the white space out; pairs of txt are joined by "&".',
      });
    }
    // A fixed order of keys: a tag changes only when a service does.
    return Object.fromEntries(KEYS.map((key) => [key, written(key, service[key])]));
  });
  const packed = await filter("bzip2", Buffer.from(JSON.stringify(items)));
  return Buffer.from(packed).toString("base64");
}

function written(key: (typeof KEYS)[number], text: string): string {
  // The typographic apostrophe has no meaning in a shell.
  const safe = text.replaceAll("'", "\u2019");
  return key === "d" ? safe.replace(/\s/gu, "_") : safe;
}

/** The reason why a service cannot be in the tag, such as `t: "a=1 b=2"`; undefined if it can. */
export function faultOfService(service: PublishedService): string | undefined {
  const faults = KEYS.filter((key) => key !== "d" && /\s/u.test(service[key]));
  return faults.length
    ? faults.map((key) => `${key}: ${JSON.stringify(service[key])}`).join(", ")
    : undefined;
}

/** Limit per node: a tag of 76 bytes can unpack to 150,000 services. */
export const MOST_SERVICES = 50;
/** Maximum length of a value. */
const LONGEST_VALUE = 1000;

/**
 * Reads an untrusted tag. Numbers become text. Left out: entries that are not services or lack type, address or port,
 * and all after the first {@link MOST_SERVICES}. Throws if the tag is damaged.
 */
export async function decodeServices(tag: string, filter: Filter): Promise<PublishedService[]> {
  const json = Buffer.from(await filter("bunzip2", Buffer.from(tag, "base64"))).toString("utf8");
  const items: unknown = parseLenient(json);
  if (!Array.isArray(items)) return [];
  const services: PublishedService[] = [];
  for (const item of items as unknown[]) {
    if (services.length === MOST_SERVICES) break;
    if (typeof item !== "object" || item === null) continue;
    const text = (key: (typeof KEYS)[number]) => {
      const value = (item as Partial<Record<string, unknown>>)[key];
      return typeof value === "string" || typeof value === "number"
        ? String(value).slice(0, LONGEST_VALUE)
        : "";
    };
    const service = Object.fromEntries(KEYS.map((key) => [key, text(key)])) as unknown as PublishedService;
    if (service.s && service.i && service.p) services.push(service);
  }
  return services;
}

/** Old nodes write JSON with single quotes. */
function parseLenient(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return JSON.parse(json.replaceAll("'", '"'));
  }
}

/** Size of these tags in Serf's node metadata: a magic byte, then msgpack in its old form (no str8). */
export function serfMetaBytes(tags: { readonly [name: string]: string }): number {
  const sizeOf = (text: string) => {
    const bytes = Buffer.byteLength(text);
    return bytes + (bytes < 32 ? 1 : 3);
  };
  const entries = Object.entries(tags);
  const header = 1 + (entries.length < 16 ? 1 : 3);
  return entries.reduce((sum, [name, value]) => sum + sizeOf(name) + sizeOf(value), header);
}

export interface FittedServices {
  readonly tag: string;
  readonly bytes: number;
  readonly published: readonly PublishedService[];
  /** Left out because of the limit, in the given order. */
  readonly omitted: readonly PublishedService[];
  /** Left out because older nodes could not parse it, with the reason. */
  readonly refused: readonly { readonly service: PublishedService; readonly fault: string }[];
}

/** Adds as many services as fit with the other tags, most important first. If none fits, the tag is empty. */
export async function fitServices(
  services: readonly PublishedService[],
  filter: Filter,
  { limit = SERF_META_LIMIT, otherTags = {} }: { limit?: number; otherTags?: Record<string, string> } = {},
): Promise<FittedServices> {
  const published: PublishedService[] = [];
  const omitted: PublishedService[] = [];
  const refused: FittedServices["refused"][number][] = [];
  let tag = "";
  for (const service of services) {
    const fault = faultOfService(service);
    if (fault !== undefined) {
      refused.push({ service, fault });
      continue;
    }
    const candidate = await encodeServices([...published, service], filter);
    if (serfMetaBytes({ ...otherTags, [SERVICES_TAG]: candidate }) > limit) {
      omitted.push(service);
    } else {
      published.push(service);
      tag = candidate;
    }
  }
  return {
    tag,
    bytes: serfMetaBytes({ ...otherTags, ...(tag ? { [SERVICES_TAG]: tag } : {}) }),
    published,
    omitted,
    refused,
  };
}
