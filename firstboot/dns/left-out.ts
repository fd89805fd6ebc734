// SPDX-License-Identifier: GPL-3.0-or-later
// Entries of the community's list that are missing in the name server's zones, and why: written beside the zones, to
// the file named in the service's definition (left_out).

import type { Box } from "../host/box.ts";

/** Directory of the service guifi-dns; its template of named.conf has the same path. */
export const ZONES = "/var/lib/bind/community-box";
export const CURRENT = `${ZONES}/current`;

/** A list that is entirely invalid must not fill the disk. */
const MOST = 200;

export async function writeLeftOut(box: Box, directory: string, left: readonly string[]): Promise<void> {
  await box.writeFile(`${directory}/left-out`, `${JSON.stringify(left.slice(0, MOST))}\n`);
}
