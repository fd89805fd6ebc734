// SPDX-License-Identifier: GPL-3.0-or-later
// What the zones of the name server lack of the community's list, and why: written beside them, where the service's entry in
// the catalogue says (left_out).

import type { Box } from "../host/box.ts";

/** Of the service guifi-dns; the template of named.conf names it, too. */
export const ZONES = "/var/lib/bind/community-box";
export const CURRENT = `${ZONES}/current`;

/** A list that is wrong as a whole must not fill the disk. */
const MOST = 200;

export async function writeLeftOut(box: Box, directory: string, left: readonly string[]): Promise<void> {
  await box.writeFile(`${directory}/left-out`, `${JSON.stringify(left.slice(0, MOST))}\n`);
}
