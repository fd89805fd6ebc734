// SPDX-License-Identifier: GPL-3.0-or-later
// Breaking the lab on purpose, and mending it again: what a fault is. They are listed in faults/index.ts.
import type { Lab } from "./lab.ts";

export interface Fault {
  /** As typed: `cbox lab fault <name> on`. */
  readonly name: string;
  /** What a box notices of it, in a few words. */
  readonly description: string;
  /** Both may be called any number of times, also after a call that was cut off in the middle. */
  on(lab: Lab): Promise<void>;
  /** Leaves the lab exactly as it was, apart from other faults that are still on. */
  off(lab: Lab): Promise<void>;
}
