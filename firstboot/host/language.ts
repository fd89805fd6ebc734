// SPDX-License-Identifier: GPL-3.0-or-later
// The language of a command without access to the set-up's state: the one chosen in the set-up, else the community's.

import { fstatSync } from "node:fs";
import { parseJson } from "../../common/json.ts";
import { isLanguage, type Language } from "../i18n/translate.ts";
import { linuxBox } from "./linux.ts";
import { readChoices } from "./owner-settings.ts";
import { paths } from "./paths.ts";

/** English on a computer that is not a box. Never fails: errors are shown in it. */
export async function boxLanguage(): Promise<Language> {
  try {
    const box = linuxBox();
    const text = (await box.readFile(paths.imageInfo).catch(() => undefined)) ?? "{}";
    const info = parseJson<{ community?: { default_language?: string } } | null>(text, {});
    const { language = info?.community?.default_language ?? "en" } = await readChoices(box);
    return isLanguage(language) ? language : "en";
  } catch {
    return "en";
  }
}

/** For output to `fd`: the journal is English, since other people and programs read it. Never fails. */
export async function spokenLanguage({ fd }: { readonly fd: number }): Promise<Language> {
  return isJournal(fd) ? "en" : boxLanguage();
}

/** JOURNAL_STREAM of systemd.exec(5): device and inode of the unit's stream; a child may have another one. */
function isJournal(descriptor: number): boolean {
  const { JOURNAL_STREAM: stream } = process.env;
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(descriptor);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
