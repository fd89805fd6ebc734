// SPDX-License-Identifier: GPL-3.0-or-later
// The log of the set-up: what was done and how it went, never an answer that could be a secret.

import { printableLines } from "../../common/printable.ts";
import type { Box } from "./box.ts";
import { paths } from "./paths.ts";

export interface Log {
  (line: string): void;
  /** The last lines, oldest first. */
  tail(count: number): Promise<string[]>;
}

export function openLog(box: Pick<Box, "appendFile" | "readFile" | "now">): Log {
  // In order, and never in the way: a full or read-only disk must not stop the set-up.
  let written = Promise.resolve();
  const log = (line: string) => {
    // Whatever it quotes: one entry begins with a time, and its other lines do not.
    const text = `${box.now().toISOString()} ${printableLines(line).replaceAll("\n", "\n    ")}\n`;
    written = written.then(() => box.appendFile(paths.log, text)).catch(() => {});
  };
  const tail = async (count: number) => {
    await written;
    // A power cut leaves zeros where the disk had the length of the last lines and not yet their text.
    const text = ((await box.readFile(paths.log)) ?? "").replaceAll("\0", "");
    return text.trimEnd().split("\n").slice(-count);
  };
  return Object.assign(log, { tail });
}
