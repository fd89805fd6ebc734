// SPDX-License-Identifier: GPL-3.0-or-later
// QEMU's control protocol, as much of it as is needed here: the reset button, the keyboard, the screen.
import type { Socket } from "node:net";

interface Reply {
  readonly QMP?: unknown;
  readonly event?: string;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

export class Qmp {
  #socket: Socket;
  #heard = "";
  #waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => this.#read(chunk));
    void this.execute("qmp_capabilities");
  }

  /** Commands are answered in the order they were given. */
  execute(command: string, options: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: options })}\n`);
    });
  }

  #read(chunk: string): void {
    this.#heard += chunk;
    const lines = this.#heard.split("\n");
    this.#heard = lines.pop() ?? "";
    for (const line of lines) {
      const reply = JSON.parse(line) as Reply;
      if (reply.QMP || reply.event) continue;
      const waiting = this.#waiting.shift();
      if (reply.error) waiting?.reject(new Error(`QEMU refused: ${reply.error.desc}`));
      else waiting?.resolve(reply.return);
    }
  }
}
