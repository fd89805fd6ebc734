// SPDX-License-Identifier: GPL-3.0-or-later
// Breaking the lab on purpose, and mending it again: what a fault is. They are listed in faults/index.ts.
import type { Lab } from "./lab.ts";
import { setPlugged } from "./network.ts";
import type { ServerChange } from "./record.ts";

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

/** Servers that run otherwise, or not at all, while the fault is on. */
export function serverFault(
  name: string,
  description: string,
  changes: Readonly<Record<string, ServerChange>>,
): Fault {
  const set = async (lab: Lab, isOn: boolean) => {
    for (const [host, change] of Object.entries(changes))
      await lab.change(host, name, isOn ? change : undefined);
  };
  return { name, description, on: (lab) => set(lab, true), off: (lab) => set(lab, false) };
}

/** A host whose cable is out: it answers nothing, not even that it would not. */
export function cableFault(name: string, description: string, host: string): Fault {
  return {
    name,
    description,
    on: (lab) => setPlugged(lab.name, host, false),
    off: (lab) => setPlugged(lab.name, host, true),
  };
}
