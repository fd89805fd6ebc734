// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the machine on a box: supplies its effects, saves every snapshot before an effect starts, resumes an
// interrupted set-up, and notifies front ends. Front ends send events and never access the box.

import { type Actor, createActor, fromPromise, type Snapshot } from "xstate";
import { fail } from "../../common/fail.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Log } from "../host/log.ts";
import { toTrouble } from "../host/trouble.ts";
import { checkStep } from "./answers/check.ts";
import { misnamedAnswers } from "./answers/file.ts";
import { firstBootCourse, type SetupFlow, UNBEGUN } from "./flow.ts";
import { Interruption } from "./interruption.ts";
import {
  createSetupMachine,
  MOVED,
  type SetupContext,
  type SetupEvent,
  type SetupMachine,
  stateOf,
} from "./machine.ts";
import { readNote } from "./note.ts";
import { type Progress, ProgressLines } from "./progress.ts";
import { questionsOf, setAnswer, withoutUnasked } from "./questions.ts";
import { type MissingSecret, missingSecrets, recoverSecrets } from "./secret-recovery.ts";
import { Secrets } from "./secrets.ts";
import { loadSnapshot, saveSnapshot } from "./snapshot.ts";
import type {
  Answers,
  Finding,
  GeneratedCredential,
  LookUpTools,
  ProbeResult,
  Step,
  StepTools,
  Warning,
} from "./step.ts";
import { type Summary, summarize } from "./summary.ts";

export interface RunnerTools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly steps: readonly Step[];
  readonly log: Log;
  /** First boot by default. */
  readonly flow?: SetupFlow;
}

type Listener = () => void;

/** The choice that steps offer to people who cannot or do not want to answer now. */
const LATER = "later";

export class SetupRunner {
  readonly image: ImageInfo;
  readonly steps: readonly Step[];
  readonly log: Log;
  /** Where an unreadable snapshot was put, if there was one. */
  readonly putAside: string | undefined;
  /** True when a set-up was interrupted before. */
  readonly isResumed: boolean;

  readonly #box: Box;
  readonly #flow: SetupFlow;
  readonly #actor: Actor<SetupMachine>;
  readonly #secrets = new Secrets();
  readonly #listeners = new Set<Listener>();
  #misnamed: string | undefined;
  #note: readonly string[] = [];
  readonly #progress = new ProgressLines();
  #saved: Promise<void> = Promise.resolve();
  /** There is a snapshot on the disk. */
  #isKept = false;
  #stopped = false;
  readonly #interruption = new Interruption();

  /** Resumes the set-up, or begins a new one. Call {@link start} to run it. */
  static async open(tools: RunnerTools): Promise<SetupRunner> {
    const machine = createSetupMachine(tools.steps);
    const flow = tools.flow ?? firstBootCourse(tools);
    const loaded = await loadSnapshot(tools.box, flow.state, (snapshot) => canResume(machine, snapshot));
    const snapshot = loaded.snapshot as Snapshot<unknown> & { value?: unknown; context?: SetupContext };
    const isOurs = !snapshot || ((await flow.canResume?.(String(snapshot.value), snapshot.context!)) ?? true);
    const runner = new SetupRunner(
      tools,
      flow,
      machine,
      isOurs ? loaded.snapshot : undefined,
      loaded.putAside,
    );
    runner.#isKept = loaded.snapshot !== undefined;
    runner.#misnamed = await misnamedAnswers(tools.box, tools.image);
    runner.#note = await readNote(tools.box, tools.image);
    return runner;
  }

  private constructor(
    tools: RunnerTools,
    flow: SetupFlow,
    machine: SetupMachine,
    snapshot?: Snapshot<unknown>,
    putAside?: string,
  ) {
    this.#box = tools.box;
    this.#flow = flow;
    this.image = tools.image;
    this.steps = tools.steps;
    this.log = tools.log;
    this.putAside = putAside;
    this.isResumed = snapshot !== undefined;
    this.#actor = createActor(this.#withEffects(machine), snapshot ? { snapshot } : {});
    if (putAside) this.log(`unreadable snapshot kept as ${putAside}; starting over`);
  }

  start(): void {
    let last = "";
    this.#actor.subscribe(() => {
      if (this.#stopped) return;
      this.#save();
      const { state } = this;
      if (state !== last) {
        this.log(`state ${state}`);
        this.#closeStep(last, state);
        if (this.#startsApplying(state)) this.#progress.clear();
        this.#openStep(state);
        // Nobody can remove the stick: the firmware may prefer the new disk. Only once: that may have failed.
        if (state === MOVED && last !== "" && this.context.unattended) void this.leave("reboot");
      }
      last = state;
      this.#tell();
    });
    this.#actor.start();
  }

  /** The box continues from its new disk at the next start. Resolves when the shutdown has been requested. */
  async leave(verb: "poweroff" | "reboot"): Promise<void> {
    await this.#saved;
    await this.#box.run("systemctl", [verb]).catch((error) => this.log(`${verb}: ${toTrouble(error).what}`));
  }

  /** Stops silently, as a power cut does. Running work has no effect on the set-up any more. */
  stop(): void {
    this.#stopped = true;
    this.#listeners.clear();
    this.#actor.stop();
  }

  /** Stops the current work, which then counts as failed: a person must be able to end a command that hangs. */
  interrupt(): void {
    this.#interruption.interrupt();
  }

  get state(): string {
    return String(this.#actor.getSnapshot().value);
  }

  get context(): SetupContext {
    return this.#actor.getSnapshot().context;
  }

  /** A file on the boot partition that was probably meant to be answers.yaml. */
  get misnamed(): string | undefined {
    return this.#misnamed;
  }

  /** A text from the person who prepared the card (`note.txt`), limited to what a page has room for. */
  get note(): readonly string[] {
    return this.#note;
  }

  /** Lines since applying began. */
  get progress(): readonly Progress[] {
    return this.#progress.lines;
  }

  /** The language chosen so far, else the community's. */
  get language(): string {
    const { system, install } = this.context.answers;
    const chosen = system?.language ?? install?.language;
    return typeof chosen === "string" ? chosen : this.image.community.default_language;
  }

  /** The step that the state is about, if any. */
  get step(): Step | undefined {
    return this.steps.find(
      ({ id }) => this.state === id || Object.values(stateOf).some((name) => name(id) === this.state),
    );
  }

  send(event: Exclude<SetupEvent, { type: "ANSWER" | "DRAFT" | "LATER" }>): void {
    this.#actor.send(event);
  }

  /** Submits answers of the step that is being asked. Secrets are removed before anything is saved. */
  answer(type: "ANSWER" | "DRAFT", step: Step, answers: Answers, probe: ProbeResult): void {
    const { answers: rest, newSecrets } = this.#secrets.take(step, withoutUnasked(step, answers, probe));
    const before = this.context.providedSecrets.filter((path) => path.startsWith(`${step.id}.`));
    this.#actor.send({
      type,
      answers: rest,
      providedSecrets: [...new Set([...before, ...newSecrets])],
      newSecrets,
    });
  }

  /** The answers that put the step off; undefined if it cannot be put off. */
  laterAnswers(step: Step): Answers | undefined {
    const question = questionsOf(step).find(({ choices }) => choices.includes(LATER));
    if (!question) return undefined;
    const later = setAnswer(this.context.answers[step.id] ?? {}, question.path, LATER);
    return withoutUnasked(step, later, { defaults: {} });
  }

  /** After a failure: puts the step off and continues. */
  defer(step: Step): void {
    const answers = this.laterAnswers(step);
    if (answers) this.#actor.send({ type: "LATER", answers, providedSecrets: [] });
  }

  /** Removes a secret that was given: an empty answer where an SSH key is enough. */
  withdraw(step: string, path: string): void {
    const answers = this.context.answers[step] ?? {};
    const providedSecrets = this.context.providedSecrets.filter(
      (each) => each.startsWith(`${step}.`) && each !== path,
    );
    this.#actor.send({ type: "DRAFT", answers, providedSecrets });
  }

  /** Is the answer to this question looked up at a server or on the box as soon as it is given? */
  isLookedUp(step: string, path: string): boolean {
    return this.#all.find(({ id }) => id === step)?.lookUp?.paths.includes(path) ?? false;
  }

  /** What the steps made for the person. To be shown once and never stored. */
  async generatedCredentials(): Promise<readonly GeneratedCredential[]> {
    const lines: GeneratedCredential[] = [];
    for (const step of this.steps) {
      if (!step.generatedCredentials || !this.context.completedSteps.includes(step.id)) continue;
      try {
        const { signal } = new AbortController();
        lines.push(
          ...(await step.generatedCredentials(
            this.context.answers[step.id] ?? {},
            this.#lookUpTools(signal),
          )),
        );
      } catch (error) {
        this.log(`hand over ${step.id}: ${toTrouble(error).what}`);
      }
    }
    return lines;
  }

  /** The steps with a result on this box: not skipped, not answered with "not now", and not in trouble. */
  async works(): Promise<string[]> {
    const { completedSteps, skippedSteps } = this.context;
    const done = this.steps.filter(({ id }) => completedSteps.includes(id) && !skippedSteps.includes(id));
    const found = await Promise.all(
      done.map(({ status }) => status?.(this.#box, this.image).catch(() => undefined)),
    );
    return done.filter((_, index) => (found[index]?.state ?? "works") === "works").map(({ id }) => id);
  }

  /** How to reach the box, as it is now. */
  summary(): Promise<Summary> {
    return summarize(this.#box);
  }

  probe(step: Step): Promise<ProbeResult> {
    return step.probe(this.#box, this.image, this.context.answers);
  }

  /** Looks up an answer that was just given. Never fails: an unsuccessful look-up has no finding. */
  async lookUp(step: Step, path: string, answers: Answers, signal: AbortSignal): Promise<Finding> {
    if (!step.lookUp?.paths.includes(path)) return {};
    try {
      return await step.lookUp.run(path, this.#secrets.join(step, answers, this.context.providedSecrets), {
        ...this.#lookUpTools(signal),
      });
    } catch (error) {
      if (signal.aborted) return {};
      const { code, what, found } = toTrouble(error);
      this.log(`look up ${step.id}.${path}: ${what}${found ? ` (${found})` : ""} [${code}]`);
      return {};
    }
  }

  /** The secrets of this step that were lost in a power cut, each with the step that asks for it. */
  missingSecrets(step: Step): readonly MissingSecret[] {
    return missingSecrets(step, this.#all, this.context, this.#secrets);
  }

  /** Keeps a secret that was asked for again, in memory. Send `SECRETS` once all are there. */
  remember(step: Step, path: string, value: string): void {
    this.#secrets.take(step, setAnswer({}, path, value));
  }

  /** Calls back on every change, until the returned function is called. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the state is this one, and its snapshot is on the disk. */
  async reached(state: string): Promise<void> {
    await this.#until(() => this.state === state);
    await this.#saved;
  }

  /** Resolves when the answers so far are on the disk. */
  async kept(): Promise<void> {
    await this.#saved;
  }

  /** Resolves when the state is one of these. */
  async settles(states: readonly string[]): Promise<void> {
    await this.#until(() => states.includes(this.state));
  }

  /** Resolves when the state is not this one any more. */
  async left(state: string): Promise<void> {
    await this.#until(() => this.state !== state);
  }

  async #until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        const stop = this.onChange(() => {
          stop();
          resolve();
        });
      });
    }
  }

  #withEffects(machine: SetupMachine): SetupMachine {
    const { image } = this;
    const box = this.#box;
    return machine.provide({
      actors: {
        read: fromPromise(() =>
          this.#effect("read", async () => {
            const found = await this.#flow.read(this.#secrets);
            if (found.kind === "refused") await this.#report({ ...this.context, problems: found.problems });
            return found;
          }),
        ),
        check: fromPromise(({ input }) =>
          this.#effect(`check ${input.step}`, () => {
            const step = this.#find(input.step);
            return checkStep(
              step,
              this.#joined(step),
              this.context.providedSecrets,
              box,
              image,
              this.context.answers,
            );
          }),
        ),
        apply: fromPromise(({ input, signal }) =>
          this.#effect(`apply ${input.step}`, () =>
            this.#interruptible(async (box) => {
              const step = this.#find(input.step);
              await this.#recoverSecrets(step);
              await step.apply(this.#joined(step), this.#tools(signal, box));
            }),
          ),
        ),
        verify: fromPromise(({ input, signal }) =>
          this.#effect(`verify ${input.step}`, () =>
            this.#interruptible((box) => {
              const step = this.#find(input.step);
              return step.verify(this.#joined(step), this.#tools(signal, box));
            }),
          ),
        ),
        finish: fromPromise(() =>
          this.#effect<readonly Warning[]>("finish", async () => {
            const warnings = await this.#flow.finish(this.context);
            this.#secrets.forget();
            return warnings;
          }),
        ),
      },
    });
  }

  /** Every effect waits until the snapshot of its state is on the disk. */
  async #effect<T>(name: string, run: () => T | Promise<T>): Promise<T> {
    // Subscribers see the transition, and save it, right after this effect was started.
    await Promise.resolve();
    await this.#saved;
    try {
      return await run();
    } catch (error) {
      if (!this.#stopped) await this.#logFailure(name, error);
      throw error;
    }
  }

  /** Work that a person can stop. */
  #interruptible<T>(work: (box: Box) => Promise<T>): Promise<T> {
    return this.#interruption.run(this.#box, work, (seconds) => {
      if (!this.#stopped && this.#progress.wait(seconds)) this.#tell();
    });
  }

  async #logFailure(name: string, error: unknown): Promise<void> {
    const trouble = toTrouble(error);
    this.log(`${name}: ${trouble.what}${trouble.found ? ` (${trouble.found})` : ""} [${trouble.code}]`);
    if (trouble.code === "unexpected" && error instanceof Error) this.log(error.stack ?? "");
    if (this.context.unattended) await this.#report({ ...this.context, trouble });
  }

  /** A report that cannot be written must not stop the set-up. */
  async #report(context: SetupContext): Promise<void> {
    await this.#flow
      .report(context)
      .catch((error) => this.log(`the report could not be written: ${toTrouble(error).what}`));
  }

  async #recoverSecrets(step: Step): Promise<void> {
    if (this.context.completedSteps.includes(step.id)) return;
    const readAnew = this.context.unattended ? () => this.#flow.read(this.#secrets) : undefined;
    await recoverSecrets(() => this.missingSecrets(step).length > 0, readAnew);
  }

  #joined(step: Step): Answers {
    return this.#secrets.join(step, this.context.answers[step.id] ?? {}, this.context.providedSecrets);
  }

  #lookUpTools(signal: AbortSignal): LookUpTools {
    return {
      box: this.#box,
      image: this.image,
      answersOf: (id) => this.#joined(this.#find(id)),
      signal,
    };
  }

  #tools(signal: AbortSignal, box: Box): StepTools {
    return {
      ...this.#lookUpTools(signal),
      box,
      skippedSteps: new Set(this.context.skippedSteps),
      providedSecrets: new Set(this.context.providedSecrets),
      progress: (key, values = {}, { transient = false } = {}) => {
        if (this.#stopped || signal.aborted) return;
        this.#progress.add(key, values, transient);
        this.#tell();
      },
    };
  }

  /** The steps that are applied together with this one. */
  #companions(step: Step): readonly Step[] {
    return step.relocatesBox ? [step] : this.steps.filter(({ relocatesBox }) => !relocatesBox);
  }

  #startsApplying(state: string): boolean {
    const step = this.steps.find(({ id }) => stateOf.apply(id) === state);
    return step !== undefined && this.#companions(step)[0] === step;
  }

  #openStep(state: string): void {
    const step = this.steps.find(({ id }) => stateOf.apply(id) === state);
    if (!step) return;
    const companions = this.#companions(step);
    this.#progress.openStep(step.id, companions.indexOf(step) + 1, companions.length);
  }

  /** The last line of a step gets its result when the step ends or fails. */
  #closeStep(before: string, state: string): void {
    const step = this.steps.find(({ id }) => [stateOf.apply(id), stateOf.verify(id)].includes(before));
    if (!step || state === stateOf.verify(step.id)) return;
    if (state === stateOf.failed(step.id)) this.#progress.close("failed");
    else if (state !== stateOf.secret(step.id)) {
      this.#progress.close(this.context.skippedSteps.includes(step.id) ? "passed" : "ok");
    }
  }

  get #all(): readonly Step[] {
    return [...this.steps, ...this.#flow.others];
  }

  #find(id: string): Step {
    return (
      this.#all.find((step) => step.id === id) ??
      fail({ code: "unexpected", what: `There is no step "${id}".` })
    );
  }

  #save(): void {
    // A box that is never set up must not write to its card at every start.
    if (UNBEGUN.includes(this.state) && !this.#isKept) return;
    this.#isKept = true;
    const snapshot = this.#actor.getPersistedSnapshot();
    this.#saved = this.#saved
      .then(() => (this.#stopped ? undefined : saveSnapshot(this.#box, this.#flow.state, snapshot)))
      // If the disk is full or read-only, the set-up continues; only a power cut would lose its state.
      .catch((error: unknown) => this.log(`the snapshot could not be saved: ${toTrouble(error).what}`));
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** A snapshot of another release may name states that do not exist; a finished one has nothing to resume. */
function canResume(machine: SetupMachine, snapshot: Snapshot<unknown>): boolean {
  const { status, value, context } = snapshot as Partial<{
    status: string;
    value: unknown;
    context: SetupContext;
  }>;
  const isKnown = typeof value === "string" && Object.hasOwn(machine.states, value);
  return (
    status === "active" &&
    isKnown &&
    Array.isArray(context?.providedSecrets) &&
    typeof context.answers === "object"
  );
}
