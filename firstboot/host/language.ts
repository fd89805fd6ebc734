// SPDX-License-Identifier: GPL-3.0-or-later
// The language a command speaks where it knows nothing of the box yet, or nothing any more: the one that was chosen in
// the set-up, else the community's.

import { fstatSync } from "node:fs";
import { parseJson } from "../../common/json.ts";
import { isLanguage, type Language } from "../i18n/translate.ts";
import { linuxBox } from "./linux.ts";
import { readChoices } from "./owner-settings.ts";
import { paths } from "./paths.ts";

/** English on a computer that is no box. Never fails: errors are said in it. */
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

/** For what is written there: the journal is English, since other people and programs read it. Never fails. */
export async function spokenLanguage({ fd }: { readonly fd: number }): Promise<Language> {
  return isJournal(fd) ? "en" : boxLanguage();
}

/** JOURNAL_STREAM of systemd.exec(5): device and inode of the stream that a unit was given; children may have others. */
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
