// SPDX-License-Identifier: GPL-3.0-or-later
// Asks for a secret on this terminal without showing what is typed.
import { spawnSync } from "node:child_process";
import { createInterface } from "node:readline/promises";
import { interruption } from "./interruption.ts";

export async function askSecret(question: string): Promise<string> {
  const stty = (...settings: string[]) =>
    spawnSync("stty", settings, { stdio: ["inherit", "pipe", "ignore"], encoding: "utf8" }).stdout?.trim() ??
    "";
  const before = stty("-g");
  stty("-echo");
  process.stdout.write(question);
  // Without an output of its own readline leaves the terminal as it is, and does not echo either.
  const lines = createInterface({ input: process.stdin, terminal: false });
  try {
    return await lines.question("", { signal: interruption() });
  } finally {
    lines.close();
    stty(before);
    process.stdout.write("\n");
  }
}
