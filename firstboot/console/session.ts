// SPDX-License-Identifier: GPL-3.0-or-later
// One console of the box. Shows the state of the set-up, lets a person who presses Enter control it, and releases
// control when somebody requests it at another console.

import { english } from "../i18n/translate.ts";
import { MOVED, stateOf } from "../setup/machine.ts";
import type { SetupRunner } from "../setup/runner.ts";
import { translate } from "./conversation.ts";
import { choose } from "./menu.ts";
import {
  busyPage,
  decideKeys,
  donePage,
  movedPage,
  refusedPage,
  troubleSentence,
  welcomePage,
} from "./pages.ts";
import { ProgressView } from "./progress.ts";
import { Gone, type Page, type Port, parts, Terminal } from "./terminal.ts";
import { converse } from "./wizard.ts";

/** Who controls the set-up; shared by all sessions of the box. */
export class ControlLock {
  #session: ConsoleSession | undefined;
  readonly #listeners = new Set<() => void>();

  get name(): string | undefined {
    return this.#session?.name;
  }

  has(session: ConsoleSession): boolean {
    return this.#session === session;
  }

  take(session: ConsoleSession): void {
    const before = this.#session;
    this.#session = session;
    before?.release();
    this.#tell();
  }

  leave(session: ConsoleSession): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#tell();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** How long the last page is shown before the login prompt, in milliseconds. */
const READ_WAIT = 10 * 60_000;

type View = "working" | "busy" | "refused" | "resumed" | "welcome" | "moved" | "done";

export class ConsoleSession {
  readonly terminal: Terminal;
  readonly #runner: SetupRunner;
  readonly #control: ControlLock;
  readonly #line = new AbortController();
  #turn = new AbortController();
  /** The set-up ended here: this person sees the generated credentials. */
  #hasFinished = false;

  constructor(port: Port, runner: SetupRunner, control: ControlLock) {
    this.terminal = new Terminal(port);
    this.#runner = runner;
    this.#control = control;
  }

  get name(): string {
    return this.terminal.port.name;
  }

  /** The line is gone: the session ends. */
  hangUp(): void {
    this.#line.abort();
    this.release();
  }

  /** Another console controls the set-up now. */
  release(): void {
    this.#turn.abort();
  }

  /** Returns when the set-up is done and was shown here, or when the line is gone. */
  async attend(): Promise<void> {
    while (!this.#line.signal.aborted && this.#runner.state !== "done") {
      if (await this.#idle()) await this.#hold();
    }
    this.#control.leave(this);
    if (!this.#line.signal.aborted) await this.#sayDone();
  }

  /** Shows the current state. True when a person here wants to control the set-up. */
  async #idle(): Promise<boolean> {
    const shown = this.#view();
    let part = 0;
    const outdated = new AbortController();
    const look = () => {
      if (shown === "working") this.#progress.update();
      if (this.#view() !== shown) outdated.abort();
    };
    const stops = [this.#runner.onChange(look), this.#control.onChange(look)];
    try {
      // Enter switches the box off there.
      await this.terminal.prepare({ tag: shown, title: "", isDeliberate: shown === "moved" });
      this.#draw(shown, part);
      for (;;) {
        const key = await this.terminal.keys.next(AbortSignal.any([outdated.signal, this.#line.signal]));
        if (!key) return false;
        const other = this.#control.name;
        if (key.name === "enter" && shown === "moved") {
          // Power off, not reboot: the stick must not be removed while the box runs from it.
          await this.#runner.leave("poweroff");
          continue;
        }
        if (key.name === "enter") return other === undefined || (await this.#confirmTakeOver(other));
        // Any other key shows the next part, if there is one.
        part += 1;
        this.#draw(shown, part);
      }
    } finally {
      for (const stop of stops) stop();
    }
  }

  /** The view for somebody who does not control the set-up. */
  #view(): View {
    const { state } = this.#runner;
    if (state === "done") return "done";
    if (state === MOVED) return "moved";
    if (isWorking(this.#runner)) return "working";
    if (this.#control.name !== undefined) return "busy";
    if (state === "file_refused") return "refused";
    return state === "welcome" ? "welcome" : "resumed";
  }

  #draw(view: View, part: number): void {
    if (view === "working") this.#progress.update();
    else {
      const all = parts(this.#page(view));
      this.terminal.show(all[part % all.length] ?? this.#page(view));
    }
  }

  #page(view: View): Page {
    const runner = this.#runner;
    const { image, context } = runner;
    if (view === "busy") return busyPage(translate(runner), this.#control.name ?? "");
    if (view === "moved") return movedPage(translate(runner));
    if (view === "refused") return refusedPage(translate(runner), context.problems);
    const title = `${image.profile.title} - ${image.community.title}`;
    const putAside = runner.putAside ? english("welcome.put-aside", { path: runner.putAside }) : undefined;
    // A set-up by an answers file that failed: its error was not shown yet.
    const note = context.trouble ? troubleSentence(translate(runner), context.trouble) : putAside;
    return welcomePage(image.version, title, view === "resumed", {
      note,
      misnamed: runner.misnamed,
      words: runner.note,
    });
  }

  get #progress(): ProgressView {
    return ProgressView.of(this.terminal, this.#runner);
  }

  async #confirmTakeOver(other: string): Promise<boolean> {
    const t = translate(this.#runner);
    const options = [
      { value: "yes", label: t("option.true") },
      { value: "no", label: t("option.false") },
    ];
    const page: Page = {
      tag: "take-over",
      title: t("busy.confirm", { console: other }),
      ...decideKeys(t),
      isDeliberate: true,
    };
    try {
      const reply = await choose(this.terminal, page, options, 1, this.#line.signal);
      return "value" in reply && reply.value === "yes";
    } catch (error) {
      if (error instanceof Gone) return false;
      throw error;
    }
  }

  async #hold(): Promise<void> {
    this.#turn = new AbortController();
    this.#control.take(this);
    const signal = AbortSignal.any([this.#turn.signal, this.#line.signal]);
    try {
      await this.terminal.probe();
      await converse({ runner: this.#runner, terminal: this.terminal, signal });
      this.#hasFinished = this.#runner.state === "done";
    } catch (error) {
      if (!(error instanceof Gone) && !signal.aborted) throw error;
    } finally {
      this.#control.leave(this);
    }
  }

  async #sayDone(): Promise<void> {
    const runner = this.#runner;
    await runner.reached("done");
    const { warnings } = runner.context;
    const t = translate(runner);
    const handedOver = this.#hasFinished ? await runner.generatedCredentials() : [];
    const [summary, works] = await Promise.all([runner.summary(), runner.works()]);
    const page = donePage(t, { summary, warnings, works, handedOver });
    const isLong = parts(page).length > 1;
    if (!this.#hasFinished || (!isLong && handedOver.length === 0)) {
      // Only the first part, because nobody is there to continue: `cbox status` shows the rest.
      const { keys: _keys, ...first } = parts(page)[0] ?? page;
      this.terminal.show(first);
      return;
    }
    // The login prompt replaces the page: wait until it is read, but not indefinitely.
    const patience = AbortSignal.any([this.#line.signal, AbortSignal.timeout(READ_WAIT)]);
    // The page is shown only once: keys typed before it must not dismiss it.
    const last = { ...page, keys: t("done.enter"), isDeliberate: true };
    await this.terminal.pause(last, patience).catch((error: unknown) => {
      if (!(error instanceof Gone)) throw error;
    });
  }
}

/** The box is working; no question is open. */
function isWorking({ state, step }: SetupRunner): boolean {
  if (state === "reading" || state === "finishing") return true;
  return step !== undefined && [stateOf.apply(step.id), stateOf.verify(step.id)].includes(state);
}
