// SPDX-License-Identifier: GPL-3.0-or-later
// Time zones of this box, with the names that they had before: Debian has those in a package of their own
// (tzdata-legacy), but tells in tzdata.zi which zone each of them is.

import type { Box } from "./box.ts";
import { paths } from "./paths.ts";

export interface TimeZones {
  /** Names that the system can be set to. */
  readonly zones: ReadonlySet<string>;
  /** Other names, such as Europe/Kiev or US/Eastern, and the zone that each means. */
  readonly links: ReadonlyMap<string, string>;
}

type Files = Pick<Box, "list" | "readFile">;

export async function readTimeZones(box: Files): Promise<TimeZones> {
  const files = await box.list(paths.zoneinfo, { recursive: true });
  // Capital first letter: not posix/, right/ (the same zones again) nor tables such as zone.tab.
  const zones = new Set(files.filter((name) => /^[A-Z][\w+/-]*$/.test(name)));
  const table = (await box.readFile(`${paths.zoneinfo}/tzdata.zi`)) ?? "";
  // "L TARGET NAME", zic(8).
  const links = [...table.matchAll(/^L (\S+) (\S+)$/gm)].map(
    ([, target = "", name = ""]): [string, string] => [name, target],
  );
  return { zones, links: new Map(links) };
}

/** The zone that a name means; undefined where this box has none of that name. */
export function zoneOf(name: string, { zones, links }: TimeZones): string | undefined {
  if (zones.has(name)) return name;
  const target = links.get(name);
  return target !== undefined && zones.has(target) ? target : undefined;
}
