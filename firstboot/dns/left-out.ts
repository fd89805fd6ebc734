// SPDX-License-Identifier: GPL-3.0-or-later
// What the zones of the name server lack of the community's list, and why: written beside them, for `cbox services`.

import type { Box } from "../box.ts";
import { parseJson } from "../world.ts";

/** Of the service guifi-dns; the template of named.conf names it, too. */
export const ZONES = "/var/lib/bind/community-box";
export const CURRENT = `${ZONES}/current`;

/** A list that is wrong as a whole must not fill the disk. */
const MOST = 200;

export async function writeLeftOut(box: Box, directory: string, left: readonly string[]): Promise<void> {
  await box.writeFile(`${directory}/left-out`, `${JSON.stringify(left.slice(0, MOST))}\n`);
}

/** One line for each entry; none where nobody may look. */
export async function readLeftOut(box: Pick<Box, "readFile">): Promise<readonly string[]> {
  const text = await box.readFile(`${CURRENT}/left-out`).catch(() => undefined);
  const left = parseJson<unknown>(text ?? "[]", []);
  return Array.isArray(left) ? left.filter((each) => typeof each === "string") : [];
}
