// SPDX-License-Identifier: GPL-3.0-or-later
// The log of the set-up: actions and results, never an answer that may be secret.

import { printableLines } from "../../common/printable.ts";
import type { Box } from "./box.ts";
import { paths } from "./paths.ts";

export interface Log {
  (line: string): void;
  /** The last lines, oldest first. */
  tail(count: number): Promise<string[]>;
}

export function openLog(box: Pick<Box, "appendFile" | "readFile" | "now">): Log {
  // Written in order and without waiting: a full or read-only disk must not stop the set-up.
  let written = Promise.resolve();
  const log = (line: string) => {
    // Whatever it quotes, only the first line of an entry begins with a time.
    const text = `${box.now().toISOString()} ${printableLines(line).replaceAll("\n", "\n    ")}\n`;
    written = written.then(() => box.appendFile(paths.log, text)).catch(() => {});
  };
  const tail = async (count: number) => {
    await written;
    // After a power cut the last lines may be zeros, when the disk had their length but not their text.
    const text = ((await box.readFile(paths.log)) ?? "").replaceAll("\0", "");
    return text.trimEnd().split("\n").slice(-count);
  };
  return Object.assign(log, { tail });
}
