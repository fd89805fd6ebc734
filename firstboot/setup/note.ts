// SPDX-License-Identifier: GPL-3.0-or-later
// `note.txt` on CBOX-BOOT: words of whoever prepared the card, for the first page.

import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { answersPaths } from "../host/paths.ts";

/** As many as a page has room for. */
const NOTE_LINES = 8;
const NOTE_COLUMNS = 76;

export async function readNote(box: Box, { boot_mount }: ImageInfo): Promise<string[]> {
  const text = (await box.readFile(answersPaths(boot_mount).note).catch(() => undefined)) ?? "";
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd().slice(0, NOTE_COLUMNS));
  return lines.filter(Boolean).slice(0, NOTE_LINES);
}
