// SPDX-License-Identifier: GPL-3.0-or-later
// The set-up as one flat state machine, made from the list of steps. Pure: its effects are injected. Flat, because
// nested machines cannot be written to disk; effects are invoked promises, because those start again when a snapshot
// is restored, while entry actions do not.

import { assign, fromPromise, setup } from "xstate";
import { type Trouble, toTrouble } from "../host/trouble.ts";
import type { Problem } from "./problems.ts";
import { questionsOf, secretQuestions } from "./questions.ts";
import type { Answers, Step, Warning } from "./step.ts";

/** Everything that the set-up keeps over a power cut. It never contains secrets, only the paths of those given. */
export interface SetupContext {
  /** Runs by an answers file: no questions are asked, and a skippable step that fails is skipped. */
  readonly unattended: boolean;
  readonly answers: { readonly [step: string]: Answers };
  /** Paths of the secrets that were given, e.g. "system.owner.password". */
  readonly providedSecrets: readonly string[];
  /** Of these, the secrets kept from an earlier set-up: nobody has to type them again. */
  readonly retainedSecrets: readonly string[];
  readonly problems: readonly Problem[];
  readonly trouble: Trouble | null;
  readonly warnings: readonly Warning[];
  /** Steps applied and verified with the current answers. */
  readonly completedSteps: readonly string[];
  /** Steps that were skipped since applying began. */
  readonly skippedSteps: readonly string[];
  /** The person came from the review or from a failure, and returns there. */
  readonly editing: boolean;
}

export type SetupEvent =
  | { type: "BEGIN" }
  /** One question answered: saved, so that it is not asked again after a power cut. */
  | { type: "DRAFT"; answers: Answers; providedSecrets: readonly string[]; newSecrets?: readonly string[] }
  /** All questions of the step answered. */
  | { type: "ANSWER"; answers: Answers; providedSecrets: readonly string[]; newSecrets?: readonly string[] }
  | { type: "BACK" }
  | { type: "EDIT"; step: string }
  | { type: "CONFIRM" }
  | { type: "RETRY" }
  /** The step that failed is put off: it is answered with "later", and applied with that answer. */
  | { type: "LATER"; answers: Answers; providedSecrets: readonly string[] }
  /** The secrets lost in a power cut were given again. */
  | { type: "SECRETS" }
  | { type: "SKIP" };

/** What the set-up begins with: answers from the boot partition, or those kept by an earlier set-up. */
export type FoundAnswers =
  | { readonly kind: "none" }
  | {
      readonly kind: "kept";
      readonly answers: { readonly [step: string]: Answers };
      readonly providedSecrets: readonly string[];
      readonly retainedSecrets: readonly string[];
      readonly problems?: undefined;
    }
  | {
      readonly kind: "valid" | "refused";
      /** Only the correct answers. */
      readonly answers: { readonly [step: string]: Answers };
      readonly providedSecrets: readonly string[];
      readonly retainedSecrets?: readonly string[];
      readonly problems: readonly Problem[];
    };

export interface StepInput {
  readonly step: string;
}

/** Thrown by an apply that needs a secret which was lost in a power cut. */
export const SECRET_NEEDED = "secret-needed";

const notProvided = async () => Promise.reject(new Error("the machine was not given its effects"));

const machineTypes = setup({
  types: {
    context: {} as SetupContext,
    events: {} as SetupEvent,
  },
  actors: {
    read: fromPromise<FoundAnswers>(notProvided),
    check: fromPromise<readonly Problem[], StepInput>(notProvided),
    apply: fromPromise<void, StepInput>(notProvided),
    verify: fromPromise<readonly Warning[], StepInput>(notProvided),
    finish: fromPromise<readonly Warning[]>(notProvided),
  },
  guards: {
    isEditing: ({ context }) => context.editing,
    isUnattended: ({ context }) => context.unattended,
    hasNoFile: (_, found: FoundAnswers) => found.kind === "none",
    isKept: (_, found: FoundAnswers) => found.kind === "kept",
    isFileValid: (_, found: FoundAnswers) => found.kind === "valid",
    isFileToMove: (_, { found, step }: { found: FoundAnswers; step: MachineStep }) =>
      found.kind === "valid" && endsWith(step, found.answers),
    isToMove: ({ context }, step: MachineStep) => endsWith(step, context.answers),
    hasProblems: (_, problems: readonly Problem[]) => problems.length > 0,
    needsSecret: (_, { error }: { error: unknown }) => toTrouble(error).code === SECRET_NEEDED,
    isFor: ({ event }, step: string) => event.type === "EDIT" && event.step === step,
  },
  actions: {
    takeFile: assign((_, found: FoundAnswers) =>
      found.kind === "none"
        ? {}
        : {
            answers: found.answers,
            providedSecrets: found.providedSecrets,
            retainedSecrets: found.retainedSecrets ?? [],
            problems: found.problems ?? [],
            unattended: found.kind === "valid",
          },
    ),
    keepAnswers: assign(({ context }, { step, answers, providedSecrets, newSecrets = [] }: KeptAnswers) => ({
      answers: { ...context.answers, [step]: answers },
      providedSecrets: [
        ...context.providedSecrets.filter((path) => !path.startsWith(`${step}.`)),
        ...providedSecrets,
      ],
      retainedSecrets: context.retainedSecrets.filter((path) => !newSecrets.includes(path)),
      completedSteps: context.completedSteps.filter((completed) => completed !== step),
      trouble: null,
    })),
    keepProblems: assign((_, problems: readonly Problem[]) => ({ problems })),
    keepTrouble: assign((_, { error }: { error: unknown }) => ({ trouble: toTrouble(error) })),
    startAnew: assign({ unattended: false, problems: [] }),
    startEditing: assign({ editing: true, unattended: false, problems: [] }),
    stopEditing: assign({ editing: false, problems: [] }),
    startApplying: assign({ warnings: [], trouble: null, skippedSteps: [] }),
    settle: assign(({ context }, { step, warnings }: { step: string; warnings: readonly Warning[] }) => ({
      warnings: [...context.warnings, ...warnings.map((warning) => ({ ...warning, step }))],
      completedSteps: [...context.completedSteps.filter((completed) => completed !== step), step],
      trouble: null,
    })),
    passOver: assign(({ context }, { step, reason }: { step: string; reason: string }) => ({
      warnings: [...context.warnings, { code: `${step}-passed`, step, values: { reason } }],
      skippedSteps: [...context.skippedSteps.filter((skipped) => skipped !== step), step],
      trouble: null,
    })),
    addWarnings: assign(({ context }, warnings: readonly Warning[]) => ({
      warnings: [...context.warnings, ...warnings],
    })),
  },
});

interface KeptAnswers {
  readonly step: string;
  readonly answers: Answers;
  readonly providedSecrets: readonly string[];
  /** Secrets typed just now. */
  readonly newSecrets?: readonly string[];
}

type StateConfig = NonNullable<Parameters<typeof machineTypes.createMachine>[0]["states"]>[string];
type States = Record<string, StateConfig>;

/** Names of a step's states; the state that asks its questions has the step's own name. */
export const stateOf = {
  check: (step: string) => `${step}_check`,
  apply: (step: string) => `apply_${step}`,
  secret: (step: string) => `secret_${step}`,
  verify: (step: string) => `verify_${step}`,
  failed: (step: string) => `failed_${step}`,
};

/** The set-up ended because the box continues on another disk. Only a restart leaves it, unless that fails. */
export const MOVED = "moved";

/** What the machine has to know about a step. */
export type MachineStep = Pick<Step, "id" | "skippable" | "schema" | "secretsFrom" | "relocatesBox">;

/** Does the set-up end with this step, given the answers? */
function endsWith({ id, relocatesBox }: MachineStep, answers: SetupContext["answers"]): boolean {
  return relocatesBox?.(answers[id] ?? {}) ?? false;
}

/** Before anything was read or answered. */
export const INITIAL_CONTEXT: SetupContext = {
  unattended: false,
  answers: {},
  providedSecrets: [],
  retainedSecrets: [],
  problems: [],
  trouble: null,
  warnings: [],
  completedSteps: [],
  skippedSteps: [],
  editing: false,
};

export function createSetupMachine(steps: readonly MachineStep[]) {
  const first = steps[0]?.id ?? "review";
  // Steps that may end the set-up come first: if they are applied, then before anything else is asked.
  const relocatingSteps = steps.filter(({ relocatesBox }) => relocatesBox);
  const applied = steps.filter(({ relocatesBox }) => !relocatesBox);
  const states: States = {
    reading: reading(relocatingSteps, applied),
    welcome: { on: { BEGIN: first } },
    file_refused: { on: { BEGIN: first } },
    review: review(steps, applied),
    finishing: finishing(),
    failed_finishing: { on: { RETRY: "finishing" } },
    ...(relocatingSteps.length ? { [MOVED]: {} } : {}),
    done: { type: "final" },
  };
  for (const [index, step] of steps.entries()) {
    Object.assign(states, questionStates(step, steps[index - 1]?.id, steps[index + 1]?.id ?? "review"));
  }
  for (const [index, step] of applied.entries()) {
    const next = applied[index + 1]?.id;
    Object.assign(states, applyStates(step, next ? stateOf.apply(next) : "finishing", steps));
  }
  for (const step of relocatingSteps) Object.assign(states, applyStates(step, MOVED, []));
  return machineTypes.createMachine({
    id: "firstboot",
    initial: "reading",
    context: INITIAL_CONTEXT,
    states,
  });
}

export type SetupMachine = ReturnType<typeof createSetupMachine>;

function reading(relocatingSteps: readonly MachineStep[], applied: readonly MachineStep[]): StateConfig {
  return {
    invoke: {
      src: "read",
      onDone: [
        {
          guard: { type: "hasNoFile", params: ({ event }) => event.output },
          target: "welcome",
        },
        {
          guard: { type: "isKept", params: ({ event }) => event.output },
          target: "welcome",
          actions: { type: "takeFile", params: ({ event }) => event.output },
        },
        ...relocatingSteps.map(
          (step) =>
            ({
              guard: { type: "isFileToMove", params: ({ event }: OnRead) => ({ found: event.output, step }) },
              target: stateOf.apply(step.id),
              actions: { type: "takeFile", params: ({ event }: OnRead) => event.output },
            }) as const,
        ),
        {
          guard: { type: "isFileValid", params: ({ event }) => event.output },
          target: applied[0] ? stateOf.apply(applied[0].id) : "finishing",
          actions: { type: "takeFile", params: ({ event }) => event.output },
        },
        { target: "file_refused", actions: { type: "takeFile", params: ({ event }) => event.output } },
      ],
      // A boot partition that cannot be read must not stop the set-up by hand.
      onError: {
        target: "welcome",
        actions: { type: "keepTrouble", params: ({ event }) => ({ error: event.error }) },
      },
    },
  };
}

type OnRead = { readonly event: { readonly output: FoundAnswers } };

/** Asking a step's questions and checking the answers. */
function questionStates(machineStep: MachineStep, previous: string | undefined, onward: string): States {
  const { id: step } = machineStep;
  const relocate = { guard: { type: "isToMove", params: machineStep }, target: stateOf.apply(step) } as const;
  return {
    [step]: {
      on: {
        DRAFT: { actions: { type: "keepAnswers", params: ({ event }) => ({ ...event, step }) } },
        ANSWER: {
          target: stateOf.check(step),
          actions: [
            { type: "keepAnswers", params: ({ event }) => ({ ...event, step }) },
            { type: "keepProblems", params: [] },
          ],
        },
        BACK: [
          { guard: "isEditing", target: "review", actions: "stopEditing" },
          ...(previous ? [{ target: previous }] : []),
        ],
      },
    },
    [stateOf.check(step)]: {
      invoke: {
        src: "check",
        input: { step },
        onDone: [
          {
            guard: { type: "hasProblems", params: ({ event }) => event.output },
            target: step,
            actions: { type: "keepProblems", params: ({ event }) => event.output },
          },
          ...(machineStep.relocatesBox ? [{ ...relocate, actions: "startApplying" } as const] : []),
          { guard: "isEditing", target: "review", actions: "stopEditing" },
          { target: onward },
        ],
        onError: {
          target: step,
          actions: { type: "keepTrouble", params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
  };
}

function review(steps: readonly MachineStep[], applied: readonly MachineStep[]): StateConfig {
  return {
    on: {
      CONFIRM: {
        target: applied[0] ? stateOf.apply(applied[0].id) : "finishing",
        actions: "startApplying",
      },
      EDIT: editing(steps),
      ...(steps.length ? { BACK: { target: steps.at(-1)?.id } } : {}),
    },
  } as StateConfig;
}

/** Applies and verifies a step, with the ways out when that fails. */
function applyStates(step: MachineStep, onward: string, steps: readonly MachineStep[]): States {
  const { id, skippable } = step;
  const needsSecrets = secretQuestions(step).length > 0 || (step.secretsFrom?.length ?? 0) > 0;
  const secret = needsSecrets ? secretStates(id) : {};
  return {
    [stateOf.apply(id)]: {
      invoke: {
        src: "apply",
        input: { step: id },
        onDone: stateOf.verify(id),
        onError: [
          ...Object.keys(secret).map((target) => needingSecret(target)),
          ...(skippable ? [passingOver(id, onward)] : []),
          failing(id),
        ],
      },
    },
    ...secret,
    [stateOf.verify(id)]: {
      invoke: {
        src: "verify",
        input: { step: id },
        onDone: {
          target: onward,
          actions: { type: "settle", params: ({ event }) => ({ step: id, warnings: event.output }) },
        },
        onError: [...(skippable ? [passingOver(id, onward)] : []), failing(id)],
      },
      on: skippable ? { SKIP: skipping(id, onward) } : {},
    },
    [stateOf.failed(id)]: {
      on: {
        RETRY: stateOf.apply(id),
        ...(canDefer(step)
          ? {
              LATER: {
                target: stateOf.apply(id),
                actions: { type: "keepAnswers", params: ({ event }: Later) => ({ ...event, step: id }) },
              },
            }
          : {}),
        // A step that ends the set-up is applied before the other questions: an edit continues from it.
        EDIT: step.relocatesBox ? { target: id, actions: "startAnew" } : editing(steps),
        ...(skippable ? { SKIP: skipping(id, onward) } : {}),
      },
    },
  };
}

type Later = { readonly event: Extract<SetupEvent, { type: "LATER" }> };

function canDefer(step: MachineStep): boolean {
  return questionsOf(step).some(({ choices }) => choices.includes("later"));
}

/** After a power cut only the lost secret is asked again. */
function secretStates(step: string): States {
  return {
    [stateOf.secret(step)]: {
      on: {
        SECRETS: stateOf.apply(step),
        BACK: "review",
      },
    },
  };
}

type OnError = { readonly event: { readonly error: unknown } };

function needingSecret(target: string) {
  return {
    guard: { type: "needsSecret", params: ({ event }: OnError) => ({ error: event.error }) },
    target,
  } as const;
}

function passingOver(step: string, target: string) {
  return {
    guard: "isUnattended",
    target,
    actions: {
      type: "passOver",
      params: ({ event }: OnError) => ({ step, reason: toTrouble(event.error).code }),
    },
  } as const;
}

function failing(step: string) {
  return {
    target: stateOf.failed(step),
    actions: { type: "keepTrouble", params: ({ event }: OnError) => ({ error: event.error }) },
  } as const;
}

function skipping(step: string, target: string) {
  return {
    target,
    actions: {
      type: "passOver",
      params: ({ context }: { context: SetupContext }) => ({
        step,
        reason: context.trouble?.code ?? "not-waited",
      }),
    },
  } as const;
}

function editing(steps: readonly MachineStep[]) {
  return steps.map(
    ({ id }) => ({ guard: { type: "isFor", params: id }, target: id, actions: "startEditing" }) as const,
  );
}

function finishing(): StateConfig {
  return {
    invoke: {
      src: "finish",
      onDone: { target: "done", actions: { type: "addWarnings", params: ({ event }) => event.output } },
      onError: {
        target: "failed_finishing",
        actions: { type: "keepTrouble", params: ({ event }) => ({ error: event.error }) },
      },
    },
  };
}
