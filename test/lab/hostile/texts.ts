// SPDX-License-Identifier: GPL-3.0-or-later
// What hostile servers and neighbours of the lab send instead of names and messages. Harmless: it makes an empty file
// where a shell runs it, and a title or a line where a terminal shows it as it is.

/** A box that ran any of it, or wrote where it says, would have files of this name. */
export const TRAP = "cbox-was-tricked";

/** In the ways in which shells run a command within a text. */
export const shellTexts = () => [
  `$(touch /tmp/${TRAP})`,
  `\`touch /tmp/${TRAP}\``,
  `x; touch /tmp/${TRAP}`,
  `x\ntouch /tmp/${TRAP}`,
];

/** Sets a terminal's title and begins a line as the set-up marks its own. */
export const TERMINAL_TEXT = `\x1b]0;${TRAP}\x07\r\n[error] ${TRAP}\u009b31m`;
