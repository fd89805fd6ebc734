// SPDX-License-Identifier: GPL-3.0-or-later
// A fault: breaks the lab on purpose, and repairs it. Faults are listed in faults/index.ts.
import type { Lab } from "./lab.ts";
import { setPlugged } from "./network.ts";
import type { ServerChange } from "./record.ts";

export interface Fault {
  /** As typed: `cbox lab fault <name> on`. */
  readonly name: string;
  /** The effect on a box, in a few words. */
  readonly description: string;
  /** Both may be called any number of times, also after an interrupted call. */
  on(lab: Lab): Promise<void>;
  /** Restores the lab, except for other faults that are still on. */
  off(lab: Lab): Promise<void>;
}

/** Servers that run with other settings, or not at all, while the fault is on. */
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

/** A host whose cable is unplugged: it sends no answer, not even that it refuses. */
export function cableFault(name: string, description: string, host: string): Fault {
  return {
    name,
    description,
    on: (lab) => setPlugged(lab.name, host, false),
    off: (lab) => setPlugged(lab.name, host, true),
  };
}
