// SPDX-License-Identifier: GPL-3.0-or-later
// A guest whose serial console is this terminal.
import { spawnSync } from "node:child_process";
import { fail } from "../common/fail.ts";
import { startGuest } from "./guest.ts";
import type { GuestOptions, GuestProfile } from "./qemu.ts";

/**
 * Runs the guest until the person leaves (Ctrl-A x), it switches off, or `signal` is aborted.
 * @throws Failure `qemu-failed`, `interrupted`
 */
export async function runOnTerminal(
  profile: GuestProfile,
  options: Omit<GuestOptions, "serial">,
  signal: AbortSignal,
): Promise<void> {
  const restore = rememberTerminal();
  try {
    const guest = await startGuest(profile, { ...options, serial: "terminal" }, { stdio: "inherit", signal });
    const { code } = await guest.ended;
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

/** QEMU makes the terminal raw and tidies up after itself, but not when it is killed. */
function rememberTerminal(): () => void {
  if (!process.stdin.isTTY) return () => {};
  const stty = (...args: string[]) =>
    spawnSync("stty", args, { stdio: ["inherit", "pipe", "ignore"], encoding: "utf8" });
  const settings = stty("-g").stdout.trim();
  return () => void stty(settings);
}
