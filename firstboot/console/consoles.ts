// SPDX-License-Identifier: GPL-3.0-or-later
// All consoles of the box at once: each has a session of the same set-up, and a new one whenever its line returns.

import { setTimeout as delay } from "node:timers/promises";
import type { ConsoleInfo } from "../host/image-info.ts";
import type { SetupRunner } from "../setup/runner.ts";
import { type OpenPort, openConsole } from "./device.ts";
import { ConsoleSession, ControlLock } from "./session.ts";

/** Milliseconds between two attempts to open a console that is missing. */
const RETRY_WAIT = 15_000;
/** After a hang-up: the port exists, only the cable was disconnected. */
const REOPEN_WAIT = 1000;

/** Resolves when the set-up is done and every connected console has shown it. */
export async function serveConsoles(runner: SetupRunner, consoles: readonly ConsoleInfo[]): Promise<void> {
  const control = new ControlLock();
  const done = new AbortController();
  void runner.reached("done").then(() => done.abort());
  await Promise.all(consoles.map((info) => serveConsole(runner, control, info, done.signal)));
  // Without any console: the set-up may still run by an answers file.
  await runner.reached("done");
}

async function serveConsole(
  runner: SetupRunner,
  control: ControlLock,
  info: ConsoleInfo,
  done: AbortSignal,
): Promise<void> {
  for (;;) {
    const port = await openConsole(info);
    if (port) {
      const isHungUp = await servePort(runner, control, port);
      if (!isHungUp) return;
      runner.log(`console ${info.device} was hung up`);
    }
    if (done.aborted) return;
    await delay(port ? REOPEN_WAIT : RETRY_WAIT, undefined, { signal: done }).catch(() => {});
    if (done.aborted) return;
  }
}

/** True when the line was hung up before the set-up was done. */
export async function servePort(runner: SetupRunner, control: ControlLock, port: OpenPort): Promise<boolean> {
  const session = new ConsoleSession(port, runner, control);
  let isHungUp = false;
  port.onData((bytes) => session.terminal.keys.push(bytes));
  port.onGone(() => {
    isHungUp = true;
    session.hangUp();
  });
  await session.attend();
  const before = isHungUp;
  if (!before) {
    // Lets the last output leave the box before the login prompt opens the line.
    await delay(200);
    port.close();
  }
  return before;
}
