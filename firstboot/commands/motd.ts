// SPDX-License-Identifier: GPL-3.0-or-later
// What a person reads after log-in: how the box is doing, what is missing, where to go on; three lines in the owner's
// language. A file, since a program would begin anew at each log-in, which takes an Atom seconds.

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

/** Three lines of at most 79 columns, in ASCII: the screen and a serial line show nothing else alike. */
export function motdText(
  { version, steps, unfinished }: Pick<Status, "version" | "steps" | "unfinished">,
  t: Translate,
): string {
  const broken = steps.filter(({ state }) => state === "trouble").map(({ id }) => id);
  // What is off and says how it comes is missing; what is off because nobody wants it says nothing.
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

/** The sentence with as many of the names as a line has room for. */
function fitting(names: readonly string[], say: (names: string) => string): string {
  const whole = say(names.join(", "));
  const fewer = names.map((_, count) => say(`${names.slice(0, names.length - count - 1).join(", ")}, ...`));
  return [whole, ...fewer].find((line) => toAscii(line).length <= COLUMNS) ?? whole;
}

/** A box that is not set up has none. `isSetUp`: the set-up has just ended, and the next start shows the same at first. */
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
  // A disk that is full or read-only spoils these lines and nothing else.
  const places = isSetUp ? [paths.motd, paths.motdAtStart] : [paths.motd];
  for (const path of places) await writeIfChanged(box, path, text).catch(() => {});
}
