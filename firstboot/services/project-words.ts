// SPDX-License-Identifier: GPL-3.0-or-later
// The announced name of the owner's compose project: the image of the service that people open in a browser, and the
// project's name, such as "gitea:1.22_forge". Cloudy's boxes announce "<image>_<container>".

import { PROJECTS } from "../../common/compose.ts";
import type { Place } from "./place.ts";

/** The file names that docker compose tries, in its order. */
export const COMPOSE_FILES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

export interface ServiceWords {
  readonly image?: string;
  readonly ports?: readonly { readonly target: number; readonly protocol?: string }[];
}

/** Usual HTTP ports inside containers, the likeliest first. */
const HTTP = [80, 8080, 443, 3000, 8000, 8443, 5000, 8888, 8081, 9000, 4000, 8008, 8096, 8123, 9001];
/** Images of services for other services of the project. */
const STORE =
  /(^|[/_-])(postgres|postgis|timescaledb|mysql|mariadb|percona|mongo|redis|valkey|keydb|memcached|rabbitmq|elasticsearch|opensearch|influxdb|couchdb|etcd)/i;

/** `services`: from Docker's configuration. */
export function describeProject(
  name: string,
  services: { readonly [service: string]: ServiceWords },
): string {
  const ranked = Object.entries(services)
    .map(([service, words], place) => ({ service, words, rank: rankOf(words), place }))
    .sort((a, b) => a.rank - b.rank || a.place - b.place);
  const [{ service, words } = { service: "", words: {} as ServiceWords }] = ranked;
  const image = words.image?.replace(/^.*\//, "").replace(/@.*$/, "") ?? service;
  return image === name ? name : `${image}_${name}`;
}

/** Lower is likelier to be what people open. Databases come last, whatever they publish. */
function rankOf({ image = "", ports = [] }: ServiceWords): number {
  const numbers = ports.filter(({ protocol = "tcp" }) => protocol === "tcp").map(({ target }) => target);
  const http = numbers.map((port) => HTTP.indexOf(port)).filter((place) => place >= 0);
  const rank = http.length ? Math.min(...http) : numbers.length ? HTTP.length : HTTP.length + 1;
  return rank + (STORE.test(image.replace(/[:@].*$/, "")) ? 100 : 0);
}

/** The name from its file (`name:`); undefined if it has none, or one that only Docker can compute. */
export async function nameInFile(
  place: Pick<Place, "readFile">,
  directory: string,
): Promise<string | undefined> {
  const { parse } = await import("yaml");
  for (const file of COMPOSE_FILES) {
    const text = await place.readFile(`${PROJECTS}/${directory}/${file}`);
    if (text === undefined) continue;
    try {
      const { name } = (parse(text, { merge: true, logLevel: "silent" }) ?? {}) as {
        readonly name?: unknown;
      };
      return typeof name === "string" && /^[a-z0-9][a-z0-9_-]*$/.test(name) ? name : undefined;
    } catch {
      // Docker's parser accepts some files that ours rejects.
      return undefined;
    }
  }
  return undefined;
}
