// SPDX-License-Identifier: GPL-3.0-or-later
// `note.txt` on CBOX-BOOT: a text from the person who prepared the card, shown on the first page.

import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { answersPaths } from "../host/paths.ts";

/** The room that the page has for it. */
const NOTE_LINES = 8;
const NOTE_COLUMNS = 76;

export async function readNote(box: Box, { boot_mount }: ImageInfo): Promise<string[]> {
  const text = (await box.readFile(answersPaths(boot_mount).note).catch(() => undefined)) ?? "";
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd().slice(0, NOTE_COLUMNS));
  return lines.filter(Boolean).slice(0, NOTE_LINES);
}
