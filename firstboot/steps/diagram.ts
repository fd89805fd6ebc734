// SPDX-License-Identifier: GPL-3.0-or-later
// The machine as a mermaid state diagram, for docs/reference/state-machine.md. Made from the machine itself, so it cannot lie.

import { createSetupMachine, type MachineStep } from "../setup/machine.ts";
import { allSteps } from "./index.ts";

export function machineDiagram(ofSteps: readonly MachineStep[] = allSteps): string {
  const machine = createSetupMachine(ofSteps);
  const lines = ["stateDiagram-v2", `  [*] --> ${String(machine.config.initial)}`];
  for (const [name, state] of Object.entries(machine.states)) {
    for (const transition of [...state.transitions.values()].flat()) {
      const target = transition.target?.[0]?.key;
      // Staying where one is (a draft) says nothing to a reader.
      if (target) lines.push(`  ${name} --> ${target}: ${label(transition)}`);
    }
    if (state.type === "final") lines.push(`  ${name} --> [*]`);
  }
  return `${[...new Set(lines)].join("\n")}\n`;
}

/** "xstate.done.actor.0.firstboot.apply_system" is a plain "done" to people; a guard follows in brackets. */
function label({ eventType, guard }: { readonly eventType: string; readonly guard?: unknown }): string {
  const event = /^xstate\.(done|error)\.actor/.exec(eventType)?.[1] ?? eventType;
  const name = typeof guard === "string" ? guard : (guard as { type?: string } | undefined)?.type;
  return name && name !== "isFor" ? `${event} [${name}]` : event;
}
