// SPDX-License-Identifier: GPL-3.0-or-later
// QEMU's emulation of several processors has a race when the kernel patches its own code: a processor may run a
// temporary breakpoint (int3) that the kernel has removed, mostly in the kernel's first seconds. Such a guest is
// reset; one that panics for another reason, or repeatedly, is not.

/** A whole line, so that it is on the terminal before the sentence that speaks of it. */
const LINE = /^\[ *(\d+\.\d+)\] (Oops: int3:|Kernel panic - not syncing)[^\n]*\n/m;
/** Kernel seconds after the start in which any panic counts as the emulation's. */
const EARLY = 5;
const FORGIVEN = 2;
/** More than a line of the kernel's has before its end. */
const KEPT = 1000;

export const EMULATION_SENTENCE =
  "The emulated processor failed while the kernel patched its own code, by a fault of QEMU's; the machine is reset.";

export interface PanicHandlers {
  /** Called for the emulation's fault: the machine is to be reset. Absent without emulation. */
  readonly reset?: () => void;
  /** Called for any other panic; the machine has stopped working. */
  readonly other?: (line: string) => void;
}

/**
 * Reads what a guest says on its serial port, in pieces of any size, and calls one of the two for each panic: `reset` for
 * the emulation's, twice at most, else `other`.
 */
export function kernelPanics({ reset, other }: PanicHandlers): (text: string) => void {
  let heard = "";
  let count = 0;
  let isBreakpoint = false;
  return (text) => {
    heard += text;
    for (let match = LINE.exec(heard); match; match = LINE.exec(heard)) {
      heard = heard.slice(match.index + match[0].length);
      const [line, seconds, what] = match;
      if (what !== "Kernel panic - not syncing") {
        isBreakpoint = true;
        continue;
      }
      if (reset && (isBreakpoint || Number(seconds) < EARLY) && count < FORGIVEN) reset();
      else other?.(line.trim());
      count += 1;
      isBreakpoint = false;
    }
    // From the beginning of a line, which is where the pattern begins.
    const line = heard.lastIndexOf("\n") + 1;
    heard = heard.slice(Math.max(line, heard.length - KEPT));
  };
}
