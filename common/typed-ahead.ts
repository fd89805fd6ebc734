// SPDX-License-Identifier: GPL-3.0-or-later
// For questions with an irreversible answer: drops keys that were typed before they are shown.

import type { ReadStream } from "node:tty";

/** Reads and drops what the terminal has buffered. Does nothing if the input is not a terminal. */
export async function dropTypedAhead(input: ReadStream): Promise<void> {
  if (!input.isTTY) return;
  const drop = () => {};
  // Raw mode: otherwise an unfinished line is held back.
  input.setRawMode(true);
  input.on("data", drop);
  // In each turn the event loop reads what is available.
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  input.off("data", drop);
  input.pause();
  input.setRawMode(false);
}
