// SPDX-License-Identifier: GPL-3.0-or-later
// The machine by itself: every state can be reached, every one leads on to the end, and each snapshot survives being
// written as JSON. The paths come from @xstate/graph.

import { getShortestPaths } from "@xstate/graph";
import { describe, expect, test } from "vitest";
import { createActor, type EventObject, fromPromise, type Snapshot } from "xstate";
import { fail } from "../../../../common/fail.ts";
import {
  createSetupMachine,
  type FoundAnswers,
  SECRET_NEEDED,
  type SetupEvent,
  type StepInput,
} from "../../../../firstboot/setup/machine.ts";
import { type Problem, problem } from "../../../../firstboot/setup/problems.ts";
import type { Warning } from "../../../../firstboot/setup/step.ts";
import { machineDiagram } from "../../../../firstboot/steps/diagram.ts";
import { steps } from "../../../../firstboot/steps/index.ts";

const machine = createSetupMachine(steps);
const stateNames = Object.keys(machine.states);
const ids = steps.map(({ id }) => id);

const answers = { answers: { a: "b" }, providedSecrets: [] };
const found: FoundAnswers[] = [
  { kind: "none" },
  { kind: "valid", answers: {}, providedSecrets: ["system.owner.password"], problems: [] },
  {
    kind: "refused",
    answers: {},
    providedSecrets: [],
    problems: [problem("system.hostname", "hostname-syntax")],
  },
];

/** Everything a person, an effect that ends well and one that fails can bring about in a state. */
function eventsIn(state: string): EventObject[] {
  const done = (output: unknown) => ({ type: `xstate.done.actor.0.firstboot.${state}`, output });
  const error = (code: string) => ({
    type: `xstate.error.actor.0.firstboot.${state}`,
    error: { code, what: "failed" },
  });
  const people: SetupEvent[] = [
    { type: "BEGIN" },
    { type: "ANSWER", ...answers },
    { type: "BACK" },
    { type: "CONFIRM" },
    { type: "RETRY" },
    { type: "LATER", ...answers },
    { type: "SECRETS" },
    { type: "SKIP" },
    ...ids.map((step) => ({ type: "EDIT" as const, step })),
  ];
  if (state === "reading") return [...found.map(done), error("broken")];
  if (state.endsWith("_check")) return [done([]), done([problem("x", "missing")]), error("broken")];
  if (state.startsWith("apply_")) return [done(undefined), secretNeeded(state), error("broken")];
  if (state.startsWith("verify_"))
    return [done([]), done([{ code: "serf-no-peers" }]), error("broken"), ...people];
  if (state === "finishing") return [done([]), error("broken")];
  return people;
}

function secretNeeded(state: string): EventObject & { error: unknown } {
  try {
    return fail({ code: SECRET_NEEDED, what: "secret" });
  } catch (error) {
    return { type: `xstate.error.actor.0.firstboot.${state}`, error };
  }
}

interface Place {
  readonly value: unknown;
  readonly context: { readonly editing: boolean; readonly unattended: boolean };
}

/** What tells two places of the set-up apart for the search; answers and warnings would make it endless. */
function placeOf(snapshot: unknown): string {
  const { value, context } = snapshot as Place;
  return JSON.stringify([value, context.editing, context.unattended]);
}

const paths = getShortestPaths(machine, {
  events: (snapshot) => eventsIn(String((snapshot as Place).value)) as never,
  serializeState: (snapshot) => placeOf(snapshot),
});

describe("the paths of the machine", () => {
  test("reach every state", () => {
    const reached = new Set(paths.map(({ state }) => String(state.value)));
    expect([...reached].sort()).toEqual([...stateNames].sort());
  });

  test("lead from every state to the end of the set-up", () => {
    for (const path of paths) {
      const rest = getShortestPaths(machine, {
        fromState: path.state,
        events: (snapshot) => eventsIn(String((snapshot as Place).value)) as never,
        serializeState: (snapshot) => placeOf(snapshot),
        toState: (state) => String(state.value) === "done",
      });
      expect(rest.length, `from ${placeOf(path.state)}`).toBeGreaterThan(0);
    }
  });

  test("skip only skippable steps", () => {
    const skipped = paths.flatMap(({ steps: taken }) =>
      taken.flatMap(({ event, state }, index) => {
        const before = index > 0 ? String(taken[index - 1]?.state.value) : "";
        return event.type === "SKIP" && String(state.value) !== before ? [before] : [];
      }),
    );
    for (const state of skipped) expect(state).not.toContain("system");
  });

  test("apply nothing before a confirmation or a valid file", () => {
    for (const { steps: taken } of paths) {
      const firstApply = taken.findIndex(({ state }) => String(state.value).startsWith("apply_"));
      if (firstApply < 0) continue;
      const before = taken
        .slice(0, firstApply + 1)
        .map(({ event }) => event as EventObject & { output?: { kind?: string } });
      const isAllowed = before.some((event) => event.type === "CONFIRM" || event.output?.kind === "valid");
      expect(isAllowed, before.map(({ type }) => type).join(" ")).toBe(true);
    }
  });
});

describe("the snapshots of the machine", () => {
  const never = () => new Promise<never>(() => {});
  const idle = machine.provide({
    actors: {
      read: fromPromise<FoundAnswers>(never),
      check: fromPromise<readonly Problem[], StepInput>(never),
      apply: fromPromise<void, StepInput>(never),
      verify: fromPromise<readonly Warning[], StepInput>(never),
      finish: fromPromise<readonly Warning[]>(never),
    },
  });

  test.each(paths.map((path) => [placeOf(path.state), path] as const))(
    "%s is the same after JSON",
    (place, path) => {
      const actor = createActor(idle).start();
      for (const { event } of path.steps.slice(1)) {
        // Effects never end by themselves here: what they would say is said for them, as the machine hears it.
        actor.send(event as never);
      }
      const kept = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as Snapshot<unknown>;
      const restored = createActor(idle, { snapshot: kept }).start();
      expect(placeOf(restored.getSnapshot())).toBe(placeOf(actor.getSnapshot()));
      expect(restored.getSnapshot().context).toEqual(actor.getSnapshot().context);
      expect(place).toBe(placeOf(actor.getSnapshot()));
      // An effect that was under way starts again; that is what makes the set-up go on after a power cut.
      expect(Object.keys(restored.getSnapshot().children)).toEqual(Object.keys(actor.getSnapshot().children));
    },
  );
});

test("the diagram shows every state, and the event of a transition", () => {
  const diagram = machineDiagram();
  for (const name of stateNames) expect(diagram).toContain(name);
  expect(diagram).toContain("review --> apply_system: CONFIRM");
  expect(diagram).not.toContain("verify_system --> apply_network: SKIP");
});
