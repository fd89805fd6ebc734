// SPDX-License-Identifier: GPL-3.0-or-later
// QEMU's emulation of several processors now and then loses a race when the kernel patches its own code, in its first
// seconds and long before anything of ours runs. Such a guest is reset; one that panics later, or again and again, is not.

/** The whole line, so that it is on the terminal before the sentence that speaks of it. */
const PANIC = /^\[ +[0-4]\.\d+\] Kernel panic - not syncing[^\n]*\n/m;
const FORGIVEN = 2;
/** More than a line of the kernel's has before its end. */
const KEPT = 1000;

export const EARLY_PANIC_SENTENCE =
  "The emulated processor failed in the kernel's first seconds, by a fault of QEMU's; the machine is reset.";

/**
 * Reads what a guest says on its serial port, in pieces of any size, and calls `reset` for each of the first two panics
 * within five seconds of the kernel's time.
 */
export function earlyPanics(reset: () => void): (text: string) => void {
  let heard = "";
  let count = 0;
  return (text) => {
    heard += text;
    for (let match = PANIC.exec(heard); match; match = PANIC.exec(heard)) {
      heard = heard.slice(match.index + match[0].length);
      count += 1;
      if (count <= FORGIVEN) reset();
    }
    // From the beginning of a line, which is where the pattern begins.
    const line = heard.lastIndexOf("\n") + 1;
    heard = heard.slice(Math.max(line, heard.length - KEPT));
  };
}
