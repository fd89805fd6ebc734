// SPDX-License-Identifier: GPL-3.0-or-later
// A guest whose serial console is this terminal.
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readSync, watch } from "node:fs";
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { connectWhenOpen } from "../host/sockets.ts";
import { type Guest, startGuest } from "./guest.ts";
import { EMULATION_SENTENCE, kernelPanics } from "./kernel-panic.ts";
import type { GuestOptions, GuestProfile } from "./qemu.ts";
import { Qmp } from "./qmp.ts";

export interface TerminalOptions {
  /** Directory for its files; the caller removes it. */
  readonly directory: string;
  /** Aborting it kills the guest. */
  readonly signal: AbortSignal;
}

/**
 * Runs the guest until the person leaves (Ctrl-A x), it switches off, or `signal` is aborted.
 * @throws Failure `qemu-failed`, `interrupted`
 */
export async function runOnTerminal(
  profile: GuestProfile,
  options: Omit<GuestOptions, "serial">,
  { directory, signal }: TerminalOptions,
): Promise<void> {
  const restore = rememberTerminal();
  try {
    const watched = options.accelerator === "tcg" ? watchFiles(directory) : undefined;
    const machine = { ...options, ...(watched ?? { serial: "terminal" as const }) };
    const guest = await startGuest(profile, machine, { stdio: "inherit", signal });
    const unwatch = watched && (await resetAfterEmulation(watched, guest));
    const { code } = await guest.ended;
    unwatch?.();
    if (signal.aborted) {
      fail({
        code: "interrupted",
        what: "The box was switched off, because the command was stopped.",
        exitCode: 130,
      });
    }
    if (code) {
      fail({
        code: "qemu-failed",
        what: "The virtual machine could not run; QEMU's own message is above.",
        found: `exit code ${code}`,
        hint: "./cbox doctor",
      });
    }
  } finally {
    restore();
  }
}

interface WatchFiles {
  readonly serial: { readonly log: string };
  readonly control: string;
}

const watchFiles = (directory: string): WatchFiles => ({
  serial: { log: join(directory, "serial.log") },
  control: join(directory, "control"),
});

/** The terminal is QEMU's own and gets every byte of the guest; here only a copy is read. Returns how to stop. */
async function resetAfterEmulation({ serial, control }: WatchFiles, { ended }: Guest): Promise<() => void> {
  const gone = new AbortController();
  void ended.then(() => gone.abort());
  const qmp = await connectWhenOpen(control, gone.signal)
    .then((socket) => new Qmp(socket))
    .catch(() => undefined);
  // A machine that could not be started says so itself.
  if (!qmp) return () => {};
  const reset = () => {
    process.stderr.write(`\n${EMULATION_SENTENCE}\n`);
    void qmp.execute("system_reset");
  };
  return follow(serial.log, kernelPanics({ reset }));
}

/** Reads what a file has and whatever is added to it. Returns how to stop. */
function follow(path: string, read: (text: string) => void): () => void {
  const file = openSync(path, "r");
  const bytes = Buffer.alloc(64 * 1024);
  const more = () => {
    for (let size = readSync(file, bytes); size > 0; size = readSync(file, bytes))
      read(bytes.toString("latin1", 0, size));
  };
  const watcher = watch(path, more);
  more();
  return () => {
    watcher.close();
    closeSync(file);
  };
}

/** QEMU sets the terminal to raw mode and resets it, but not when it is killed. */
function rememberTerminal(): () => void {
  if (!process.stdin.isTTY) return () => {};
  const stty = (...args: string[]) =>
    spawnSync("stty", args, { stdio: ["inherit", "pipe", "ignore"], encoding: "utf8" });
  const settings = stty("-g").stdout.trim();
  return () => void stty(settings);
}
