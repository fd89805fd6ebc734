// SPDX-License-Identifier: GPL-3.0-or-later
// Countries, whose rules define the permitted channels: their codes, and the country of a time zone.

import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import { readTimeZones, zoneOf } from "../host/time-zones.ts";

/** Codes of ISO 3166, such as ES, from the time zone tables. Empty if those are missing. */
export async function countryCodes(box: Pick<Box, "readFile">): Promise<ReadonlySet<string>> {
  const table = (await box.readFile(`${paths.zoneinfo}/iso3166.tab`)) ?? "";
  return new Set([...table.matchAll(/^([A-Z]{2})\t/gm)].map(([, code = ""]) => code));
}

/** "Europe/Madrid" -> ES. Undefined for zones without a country, such as UTC. */
export async function countryOf(
  box: Pick<Box, "readFile" | "list">,
  name: string,
): Promise<string | undefined> {
  const zone = zoneOf(name, await readTimeZones(box)) ?? name;
  const table = (await box.readFile(`${paths.zoneinfo}/zone.tab`)) ?? "";
  const line = table.split("\n").find((each) => each.split("\t")[2] === zone);
  return line?.split("\t")[0];
}
