// SPDX-License-Identifier: GPL-3.0-or-later
// Checks answers files for boxes that are somewhere else, or not yet. Everything that only the box itself knows (its
// interfaces, its room, what is on it) is left for it to say.

import { readdir, readFile } from "node:fs/promises";
import { fail } from "../../common/fail.ts";
import type { FieldError } from "../../common/field-error.ts";
import type { Box } from "../box.ts";
import type { ImageInfo } from "../image-info.ts";
import { paths } from "../paths.ts";
import type { ProblemCode } from "../problems.ts";
import { allSteps } from "../steps/index.ts";
import { checkFile } from "./check.ts";

/** A mistake for programs and people; never with the value of a secret. */
export type Mistake = Omit<FieldError, "code"> & { readonly code: ProblemCode };

/** Every mistake of each file. `files`: their data, as YAML gives it. */
export async function checkElsewhere(
  files: readonly unknown[],
  image: ImageInfo,
): Promise<readonly (readonly Mistake[])[]> {
  const box = absentBox();
  const known =
    (await box.list(paths.zoneinfo)).length > 0
      ? THE_BOXS_OWN
      : new Set([...THE_BOXS_OWN, "timezone-unknown"]);
  const results: Mistake[][] = [];
  for (const data of files) {
    const { problems } = await checkFile(data, allSteps, box, image);
    results.push(
      problems
        .filter(({ code }) => !known.has(code))
        .map(({ field, found, expected, hint, code }) => ({
          field,
          found,
          expected,
          code,
          ...(hint ? { hint } : {}),
        })),
    );
  }
  return results;
}

/** Mistakes that depend on the box. */
const THE_BOXS_OWN: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  "interface-unknown",
  "install-none",
  "install-ambiguous",
  "install-unknown",
  "install-running",
  "install-portable",
  "install-used",
  "install-small",
  "install-sectors",
  "install-not-here",
  "share-range",
  "share-by-word",
  "service-architecture",
  "service-memory",
  "service-place",
  "service-vpn",
  "service-registration",
  "service-packages",
  "service-where",
]);

/** Accounts that every Debian has, in the form of /etc/passwd and /etc/group; base-passwd's own lists. */
const MASTERS: Readonly<Record<string, string>> = {
  "/etc/passwd": "/usr/share/base-passwd/passwd.master",
  "/etc/group": "/usr/share/base-passwd/group.master",
};

/** With it, what is said about Wi-Fi is checked as on a box that has it. */
const CARD = "wlan0";
const WIFI = new Set([
  `/sys/class/net/${CARD}/phy80211`,
  ...["/usr/sbin/wpa_supplicant", "/usr/sbin/wpa_cli", "/usr/sbin/iw"],
]);

/** Has time zones, the accounts of any Debian and a card for Wi-Fi, and nothing else. */
function absentBox(): Box {
  const zones = readdir(paths.zoneinfo, { recursive: true }).catch(() => []);
  const masters = new Map(Object.entries(MASTERS).map(([path, master]) => [path, readText(master)]));
  const absent = async (): Promise<never> => fail({ code: "box-absent", what: "There is no box here." });
  return {
    readFile: async (path) => masters.get(path),
    readBytes: async () => undefined,
    list: async (path) => (path === paths.zoneinfo ? zones : path === "/sys/class/net" ? [CARD] : []),
    exists: async (path) => WIFI.has(path),
    readLink: async () => undefined,
    run: async () => ({ code: 127, stdout: "", stderr: "" }),
    now: () => new Date(),
    sleep: async () => {},
    inTurn: absent,
    randomHex: (bytes) => "0".repeat(2 * bytes),
    request: absent,
    ldapBind: absent,
    filter: absent,
    writeFile: absent,
    overwrite: absent,
    appendFile: absent,
    makeDirectory: absent,
    symlink: absent,
    rename: absent,
    remove: absent,
    rsaPrivateKey: absent,
  };
}

function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
