// SPDX-License-Identifier: GPL-3.0-or-later
// A person at a terminal in memory: waits for what is on the screen, then types. No pseudo-terminal, no waiting for time.

import type { OpenPort } from "../../../firstboot/console/device.ts";
import { Terminal } from "../../../firstboot/console/terminal.ts";

const PATIENCE = 60_000;

export class Person {
  readonly terminal: Terminal;
  #screen = "";
  #seen = 0;

  constructor(isRich = false, isScreen = false) {
    this.terminal = new Terminal({
      name: "test",
      isScreen,
      write: (text) => {
        this.#screen += text;
        if (isRich && text.includes("\x1b[6n")) this.type("\x1b[1;1R");
      },
    });
    this.terminal.isRich = isRich;
  }

  get screen(): string {
    return this.#screen;
  }

  /** What came since the last thing seen. */
  get rest(): string {
    return this.#screen.slice(this.#seen);
  }

  type(keys: string): void {
    this.terminal.keys.push(Buffer.from(keys));
  }

  async sees(text: string): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const at = this.#screen.indexOf(text, this.#seen);
      if (at >= 0) {
        this.#seen = at + text.length;
        return;
      }
      if (Date.now() > deadline) throw new Error(`not seen: ${text}\nsince:\n${this.rest}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Sees a question with its prompt, then types the answer and Enter. */
  async answers(tag: string, reply = ""): Promise<void> {
    await this.sees(`[${tag}]`);
    await this.sees(this.terminal.isRich ? "Enter" : "> ");
    this.type(`${reply}\r`);
  }
}

/** A port that a command opens itself, with a person at it. `hangUp` ends the line. */
export function personAtPort(): { person: Person; port: OpenPort; hangUp: () => void } {
  const person = new Person();
  let data = (_bytes: Uint8Array) => {};
  let gone = () => {};
  const port: OpenPort = {
    name: "test",
    write: (text) => person.terminal.port.write(text),
    onData: (listener) => {
      data = listener;
    },
    onGone: (listener) => {
      gone = listener;
    },
    close: () => {},
  };
  person.type = (keys) => data(Buffer.from(keys));
  return { person, port, hangUp: () => gone() };
}
