// SPDX-License-Identifier: GPL-3.0-or-later
// The message after log-in: the box's state, what is missing, and the next command; three lines in the owner's
// language. A file, because starting a program at each log-in takes an Atom seconds.

import { toAscii } from "../console/ascii.ts";
import { stepName } from "../console/pages.ts";
import { type Box, writeIfChanged } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { readChoices } from "../host/owner-settings.ts";
import { paths } from "../host/paths.ts";
import { type Translate, translator } from "../i18n/translate.ts";
import { readMarker } from "../setup/marker.ts";
import type { Step } from "../setup/step.ts";
import { steps as allSteps } from "../steps/index.ts";
import { readStatus, type Status } from "./status.ts";

/** Three lines of at most 79 columns, in ASCII, which every screen and serial line can show. */
export function motdText(
  { version, steps, unfinished }: Pick<Status, "version" | "steps" | "unfinished">,
  t: Translate,
): string {
  const broken = steps.filter(({ state }) => state === "trouble").map(({ id }) => id);
  // A step that is off counts as missing only if it has advice; otherwise it is not wanted.
  const missing = steps
    .filter(({ id, state, advice }) => (state === "off" && advice) || unfinished.includes(id))
    .map(({ id }) => id);
  const naming = (ids: readonly string[], say: (steps: string) => string) =>
    fitting(
      ids.map((id) => stepName(t, id)),
      say,
    );
  const lines = [
    broken.length
      ? naming(broken, (names) => t("motd.trouble", { version, steps: names }))
      : t("motd.works", { version }),
    missing.length ? naming(missing, (names) => t("motd.missing", { steps: names })) : t("motd.complete"),
    t("motd.help"),
  ];
  return `${lines.map(toAscii).join("\n")}\n`;
}

const COLUMNS = 79;

/** The sentence with as many of the names as fit on a line. */
function fitting(names: readonly string[], say: (names: string) => string): string {
  const whole = say(names.join(", "));
  const fewer = names.map((_, count) => say(`${names.slice(0, names.length - count - 1).join(", ")}, ...`));
  return [whole, ...fewer].find((line) => toAscii(line).length <= COLUMNS) ?? whole;
}

/** Only on a configured box. `isSetUp`: the set-up has just ended; the next start shows the same text first. */
export async function refreshMotd(
  box: Box,
  image: ImageInfo,
  {
    steps = allSteps,
    isSetUp = false,
  }: { readonly steps?: readonly Step[]; readonly isSetUp?: boolean } = {},
): Promise<void> {
  if (!(await readMarker(box))) return;
  const { language = image.community.default_language } = await readChoices(box);
  const text = motdText(await readStatus(box, image, steps), translator(language));
  // A full or read-only disk must not have further consequences.
  const places = isSetUp ? [paths.motd, paths.motdAtStart] : [paths.motd];
  for (const path of places) await writeIfChanged(box, path, text).catch(() => {});
}
