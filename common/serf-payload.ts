// SPDX-License-Identifier: GPL-3.0-or-later
// The Serf tag "services", byte-compatible with the nodes already out there: base64(bzip2(JSON array)), string values
// only. Serf allows 512 bytes for all tags of a node together, so what does not fit is left out and named.

/** One published service, in the words of the tag. */
export interface PublishedService {
  /** Type, e.g. "syncthing". */
  readonly s: string;
  /** Description; spaces are written as "_". */
  readonly d: string;
  /** Host: `<host name>.<cloud>.local`. */
  readonly m: string;
  /** IPv4 address in the community. */
  readonly i: string;
  /** Port, decimal. */
  readonly p: string;
  /** Microcloud. */
  readonly e: string;
  /** Extra `key=value` pairs, separated by spaces. */
  readonly t: string;
}

/** Runs bzip2 or bunzip2 as a filter. Node has no bzip2 of its own. */
export type Filter = (command: "bzip2" | "bunzip2", input: Uint8Array) => Promise<Uint8Array>;

export const SERVICES_TAG = "services";
/** memberlist's MetaMaxSize. */
export const SERF_META_LIMIT = 512;

const KEYS = ["s", "d", "m", "i", "p", "e", "t"] as const;

export async function encodeServices(services: readonly PublishedService[], filter: Filter): Promise<string> {
  const items = services.map((service) =>
    // Always the same order of keys: a tag only changes when a service does.
    Object.fromEntries(KEYS.map((key) => [key, key === "d" ? service.d.replaceAll(" ", "_") : service[key]])),
  );
  const packed = await filter("bzip2", Buffer.from(JSON.stringify(items)));
  return Buffer.from(packed).toString("base64");
}

/** Reads anybody's tag. Values that are not text become text; what is no service is left out. Throws when damaged. */
export async function decodeServices(tag: string, filter: Filter): Promise<PublishedService[]> {
  const json = Buffer.from(await filter("bunzip2", Buffer.from(tag, "base64"))).toString("utf8");
  const items: unknown = parseLenient(json);
  if (!Array.isArray(items)) return [];
  return items
    .filter((item): item is Record<string, unknown> => typeof item === "object" && item !== null)
    .map((item) => {
      const text = (key: string) => String(item[key] ?? "");
      return {
        s: text("s"),
        d: text("d"),
        m: text("m"),
        i: text("i"),
        p: text("p"),
        e: text("e"),
        t: text("t"),
      };
    });
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
}

/** Takes as many services as fit beside the other tags, most important first. No service fits: the tag is empty. */
export async function fitServices(
  services: readonly PublishedService[],
  filter: Filter,
  { limit = SERF_META_LIMIT, otherTags = {} }: { limit?: number; otherTags?: Record<string, string> } = {},
): Promise<FittedServices> {
  const published: PublishedService[] = [];
  const omitted: PublishedService[] = [];
  let tag = "";
  for (const service of services) {
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
  };
}
