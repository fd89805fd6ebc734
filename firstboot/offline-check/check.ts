// SPDX-License-Identifier: GPL-3.0-or-later
// Checks answers files for boxes that are elsewhere or not built yet. What only the box knows (interfaces, memory,
// its state) is not checked; what its image knows is read from the image's lists, never from this computer.

import { fail } from "../../common/fail.ts";
import type { FieldError } from "../../common/field-error.ts";
import type { ImageLists } from "../../common/image-lists.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { checkFile } from "../setup/answers/check.ts";
import type { ProblemCode } from "../setup/problems.ts";
import { allSteps } from "../steps/index.ts";

/** A mistake for programs and people; never contains a secret value. */
export type Mistake = FieldError<ProblemCode>;

/** All mistakes of each file. `files`: data parsed from YAML. Without `lists`, their facts are not checked. */
export async function checkElsewhere(
  files: readonly unknown[],
  image: ImageInfo,
  lists?: ImageLists,
): Promise<readonly (readonly Mistake[])[]> {
  const box = absentBox(lists);
  const known = lists ? THE_BOXS_OWN : new Set([...THE_BOXS_OWN, "timezone-unknown"]);
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

/** With this card, the Wi-Fi settings are checked as on a box that has one. */
const CARD = "wlan0";
const CARD_IS_WIFI = `/sys/class/net/${CARD}/phy80211`;
const WIFI_PROGRAMS = ["/usr/sbin/wpa_supplicant", "/usr/sbin/wpa_cli", "/usr/sbin/iw"];

/** A box with the image's files and a Wi-Fi card, and nothing else. */
function absentBox(lists: ImageLists | undefined): Box {
  const files = new Map(Object.entries(lists?.files ?? {}));
  const isThere = new Set([CARD_IS_WIFI, ...(lists ? files.keys() : WIFI_PROGRAMS)]);
  const absent = async (): Promise<never> => fail({ code: "box-absent", what: "There is no box here." });
  return {
    readFile: async (path) => files.get(path),
    readBytes: async () => undefined,
    list: async (path) => (path === "/sys/class/net" ? [CARD] : [...(lists?.directories[path] ?? [])]),
    exists: async (path) => isThere.has(path),
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
