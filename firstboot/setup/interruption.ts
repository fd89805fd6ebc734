// SPDX-License-Identifier: GPL-3.0-or-later
// Work on the box that a person can stop at any moment; it reports how long its commands take.

import { Failure } from "../../common/fail.ts";
import type { Box } from "../host/box.ts";

/** After this long, in milliseconds, a running command is shown with its seconds, and again at this interval. */
const WORTH_SAYING = 5000;

export class Interruption {
  #current = new AbortController();

  /** Stops the current work, which then counts as failed. */
  interrupt(): void {
    this.#current.abort();
  }

  /**
   * Runs work that can be interrupted. The box it gets refuses every further call after that.
   * @param onWait receives the seconds that a command has taken so far
   * @throws Failure `stopped-by-hand`
   */
  async run<T>(box: Box, work: (box: Box) => Promise<T>, onWait: (seconds: number) => void): Promise<T> {
    const current = new AbortController();
    this.#current = current;
    const { signal } = current;
    const stopped = new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(stoppedByHand())),
    );
    stopped.catch(() => {});
    return Promise.race([work(watchedBox(box, signal, onWait)), stopped]);
  }
}

/** The box, with a callback for commands that take long. */
function watchedBox(box: Box, signal: AbortSignal, onWait: (seconds: number) => void): Box {
  const run: Box["run"] = async (command, args, options) => {
    const since = performance.now();
    const timer = setInterval(() => onWait(Math.round((performance.now() - since) / 1000)), WORTH_SAYING);
    try {
      return await box.run(command, args, { signal, ...options });
    } finally {
      clearInterval(timer);
    }
  };
  return new Proxy(box, {
    get: (target, name) => {
      const own: unknown = name === "run" ? run : Reflect.get(target, name, target);
      if (typeof own !== "function") return own;
      return (...args: unknown[]) => {
        if (signal.aborted) throw stoppedByHand();
        return own.apply(target, args);
      };
    },
  });
}

function stoppedByHand(): Failure {
  return new Failure({
    code: "stopped-by-hand",
    what: "This part was stopped before it was done.",
    hint: "Try again: what was done is not done twice.",
  });
}
