// SPDX-License-Identifier: GPL-3.0-or-later
// Mermaid diagrams made from the machine and the list of steps: the states of one step, the order of the steps
// (docs/architecture/first-boot.md), and the whole machine (docs/reference/state-machine.md).

import { createSetupMachine, type MachineStep } from "../setup/machine.ts";
import type { Step } from "../setup/step.ts";
import { allSteps } from "./index.ts";

/** A step that has all a step can have: it may be skipped, can be put off, and needs a secret. */
const ONE_STEP: MachineStep = {
  id: "step",
  skippable: true,
  schema: {
    type: "object",
    properties: {
      join: { type: "string", enum: ["now", "later"] },
      password: { type: "string", "x-secret": true },
    },
  },
};

/** The states of one step, between the first page and the end. */
export function stepDiagram(): string {
  return machineDiagram([ONE_STEP]);
}

/** The steps in their order; in brackets those that only some boxes have. */
export function stepsDiagram(ofSteps: readonly Step[] = allSteps): string {
  const nodes = ofSteps.map(({ id, isApplicable }) =>
    isApplicable ? `${id}(["${id}, on some boxes"])` : id,
  );
  return `flowchart LR\n  ${[...nodes, "review", "apply"].join(" --> ")}\n`;
}

/** The whole machine. */
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
