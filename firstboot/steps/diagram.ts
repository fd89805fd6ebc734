// SPDX-License-Identifier: GPL-3.0-or-later
// Mermaid diagrams generated from the machine and the list of steps: the states of one step, the order of the steps
// (docs/architecture/first-boot.md), and the whole machine (docs/reference/state-machine.md).

import { createSetupMachine, type MachineStep } from "../setup/machine.ts";
import type { Step } from "../setup/step.ts";
import { allSteps } from "./index.ts";

/** A step with every optional state: it can be skipped or put off, and needs a secret. */
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

/** The steps in order; those that only some boxes have are in brackets. */
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
      // A transition without a target (a draft) adds nothing to the diagram.
      if (target) lines.push(`  ${name} --> ${target}: ${label(transition)}`);
    }
    if (state.type === "final") lines.push(`  ${name} --> [*]`);
  }
  return `${[...new Set(lines)].join("\n")}\n`;
}

/** "xstate.done.actor.0.firstboot.apply_system" is shown as "done"; a guard follows in brackets. */
function label({ eventType, guard }: { readonly eventType: string; readonly guard?: unknown }): string {
  const event = /^xstate\.(done|error)\.actor/.exec(eventType)?.[1] ?? eventType;
  const name = typeof guard === "string" ? guard : (guard as { type?: string } | undefined)?.type;
  return name && name !== "isFor" ? `${event} [${name}]` : event;
}
