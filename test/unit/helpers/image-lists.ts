// SPDX-License-Identifier: GPL-3.0-or-later
// The lists of an image, small: of its time zones, keyboards, countries and accounts a few each.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ImageLists } from "../../../common/image-lists.ts";

const ZONES = "/usr/share/zoneinfo";

/** A root file system with the packages' own forms of the tables; also what is in it and not in the lists. */
const ROOT: Readonly<Record<string, string>> = {
  "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nbackup:x:34:34:backup:/var/backups:/usr/sbin/nologin\n",
  "/etc/group": "root:x:0:\nsudo:x:27:\n",
  "/usr/bin/setupcon": "#!/bin/sh\n",
  "/usr/sbin/iw": "ELF",
  "/usr/sbin/wpa_cli": "ELF",
  "/usr/sbin/wpa_supplicant": "ELF",
  "/usr/share/X11/xkb/rules/base.lst":
    "! model\n  pc105  Generic\n\n! layout\n  es  Spanish\n  us  English (US)\n\n! variant\n  cat  es: Catalan\n",
  [`${ZONES}/iso3166.tab`]: "# A table\nES\tSpain\nFR\tFrance\n",
  [`${ZONES}/zone.tab`]: "# A table\nES\t+4024-00341\tEurope/Madrid\n",
  [`${ZONES}/tzdata.zi`]:
    "# version 2026f\nZ Europe/Madrid 1 - CET\nL Europe/Kyiv Europe/Kiev\nL Europe/Paris CET\n",
  ...Object.fromEntries(
    ["Europe/Madrid", "Europe/Paris", "Europe/Kyiv", "UTC"].map((name) => [`${ZONES}/${name}`, "TZif"]),
  ),
};

export const LISTS: ImageLists = {
  format: 1,
  files: {
    "/etc/passwd": ROOT["/etc/passwd"]!,
    "/etc/group": ROOT["/etc/group"]!,
    [`${ZONES}/iso3166.tab`]: "ES\tSpain\nFR\tFrance\n",
    [`${ZONES}/zone.tab`]: "ES\t+4024-00341\tEurope/Madrid\n",
    [`${ZONES}/tzdata.zi`]: "L Europe/Kyiv Europe/Kiev\nL Europe/Paris CET\n",
    "/usr/share/X11/xkb/rules/base.lst": "! layout\n  es  Spanish\n  us  English (US)\n\n",
    "/usr/bin/setupcon": "",
    "/usr/sbin/wpa_supplicant": "",
    "/usr/sbin/wpa_cli": "",
    "/usr/sbin/iw": "",
  },
  directories: {
    [ZONES]: ["Europe/Kyiv", "Europe/Madrid", "Europe/Paris", "UTC", "iso3166.tab", "tzdata.zi", "zone.tab"],
  },
};

/** The root file system that these are the lists of. */
export function makeRoot(directory: string): string {
  for (const [path, text] of Object.entries(ROOT)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

/** A folder as a build leaves it, as far as a check looks at it. */
export function makeImageFolder(directory: string): string {
  writeFileSync(join(directory, "manifest.json"), JSON.stringify({ name: "community-box-1-vm-amd64" }));
  writeFileSync(join(directory, "community-box-1-vm-amd64.lists.json"), JSON.stringify(LISTS));
  return directory;
}
