// SPDX-License-Identifier: GPL-3.0-or-later
// The person at the console: answers the set-up's questions by their tags, on a terminal that only has lines.
import type { Box } from "./harness.ts";
import { BOOT_MS } from "./harness.ts";

/** The network, the VPN, contexts and services on an emulated processor. */
export const APPLY_MS = 1_000_000;
const PROMPT = /^.*?\n(?:\([^\n]*\) )?> /s;
const LOGIN = /login: /;

export const WELCOME = /Community Box set-up.*Press Enter to begin/s;

/** Waits for a question and answers it; an empty answer takes the default. Returns the screen with its prompt. */
export async function answer(box: Box, tag: string, reply = ""): Promise<string> {
  await box.expect(new RegExp(`\\[${tag.replace(/[.]/g, "\\.")}\\]`));
  const [screen] = await box.expect(PROMPT);
  box.type(reply);
  return screen;
}

/** Starts the set-up of a box that was just switched on. */
export async function begin(box: Box): Promise<void> {
  await box.expect(WELCOME, { timeoutMs: BOOT_MS });
  box.key("enter");
}

/** Logs in at the serial console and waits for the shell. Returns what is shown between the password and the prompt. */
export async function logIn(box: Box, name: string, password: string): Promise<string> {
  await box.expect(LOGIN, { timeoutMs: BOOT_MS });
  box.type(name);
  await box.expect(/Password: /);
  box.type(password);
  const [said] = await box.expect(/.*\$ /s);
  return said;
}
