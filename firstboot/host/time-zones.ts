// SPDX-License-Identifier: GPL-3.0-or-later
// Time zones of this box and their former names: Debian ships the files of those separately (tzdata-legacy), but
// tzdata.zi says which zone each of them is.

import type { Box } from "./box.ts";
import { paths } from "./paths.ts";

export interface TimeZones {
  /** Names that can be set. */
  readonly zones: ReadonlySet<string>;
  /** Other names, such as Europe/Kiev or US/Eastern, with the zone that each refers to. */
  readonly links: ReadonlyMap<string, string>;
}

type Files = Pick<Box, "list" | "readFile">;

export async function readTimeZones(box: Files): Promise<TimeZones> {
  const files = await box.list(paths.zoneinfo, { recursive: true });
  // Capital first letter: excludes posix/, right/ (the same zones again) and tables such as zone.tab.
  const zones = new Set(files.filter((name) => /^[A-Z][\w+/-]*$/.test(name)));
  const table = (await box.readFile(`${paths.zoneinfo}/tzdata.zi`)) ?? "";
  // "L TARGET NAME", zic(8).
  const links = [...table.matchAll(/^L (\S+) (\S+)$/gm)].map(
    ([, target = "", name = ""]): [string, string] => [name, target],
  );
  return { zones, links: new Map(links) };
}

/** The zone that a name refers to; undefined if this box does not have it. */
export function zoneOf(name: string, { zones, links }: TimeZones): string | undefined {
  if (zones.has(name)) return name;
  const target = links.get(name);
  return target !== undefined && zones.has(target) ? target : undefined;
}
