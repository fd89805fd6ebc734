// SPDX-License-Identifier: GPL-3.0-or-later
// The Serf tag "services", byte-compatible with the nodes already out there: base64(bzip2(JSON array)), string values
// only. Serf allows 512 bytes for all tags of a node together, so what does not fit is left out and named.
// Old nodes read it with a shell script: it turns every ' into " before it parses the JSON, and takes the services apart
// at white space.

import { fail } from "./fail.ts";

/** One published service, in the words of the tag. */
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

/** Fails with `serf-field` when a service has white space in another field than its description. */
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
    // Always the same order of keys: a tag only changes when a service does.
    return Object.fromEntries(KEYS.map((key) => [key, written(key, service[key])]));
  });
  const packed = await filter("bzip2", Buffer.from(JSON.stringify(items)));
  return Buffer.from(packed).toString("base64");
}

function written(key: (typeof KEYS)[number], text: string): string {
  // The typographic apostrophe means nothing to a shell.
  const safe = text.replaceAll("'", "\u2019");
  return key === "d" ? safe.replace(/\s/gu, "_") : safe;
}

/** What keeps a service out of the tag, such as `t: "a=1 b=2"`; undefined when it may be in it. */
export function faultOfService(service: PublishedService): string | undefined {
  const faults = KEYS.filter((key) => key !== "d" && /\s/u.test(service[key]));
  return faults.length
    ? faults.map((key) => `${key}: ${JSON.stringify(service[key])}`).join(", ")
    : undefined;
}

/** More of one node are not read: a tag of 76 bytes can unpack to 150,000. */
export const MOST_SERVICES = 50;
/** Characters of a value that are read. */
const LONGEST_VALUE = 1000;

/**
 * Reads anybody's tag. Numbers become text; what is no service, or lacks its type, address or port, is left out, and so is
 * what comes after the first {@link MOST_SERVICES}. Throws when damaged.
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

/** Old nodes write their JSON with single quotes. */
function parseLenient(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return JSON.parse(json.replaceAll("'", '"'));
  }
}

/** Bytes these tags take in Serf's node metadata: a magic byte, then msgpack in its old form (no str8). */
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
  /** Left out because the limit was reached, in the order given. */
  readonly omitted: readonly PublishedService[];
  /** Left out because older nodes could not read it, with the reason. */
  readonly refused: readonly { readonly service: PublishedService; readonly fault: string }[];
}

/** Takes as many services as fit beside the other tags, most important first. No service fits: the tag is empty. */
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
