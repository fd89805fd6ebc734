// SPDX-License-Identifier: GPL-3.0-or-later
// For questions whose answer cannot be taken back: what was typed before they were shown does not answer them.

import type { ReadStream } from "node:tty";

/** Reads and drops whatever the terminal holds. Nothing happens where the input is no terminal. */
export async function dropTypedAhead(input: ReadStream): Promise<void> {
  if (!input.isTTY) return;
  const drop = () => {};
  // Raw: a line that is not finished yet is held back otherwise.
  input.setRawMode(true);
  input.on("data", drop);
  // Between two of these the event loop reads what is there.
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  input.off("data", drop);
  input.pause();
  input.setRawMode(false);
}
