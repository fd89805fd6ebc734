// SPDX-License-Identifier: GPL-3.0-or-later
// Asks one question on the terminal where a command was typed. Ctrl-C or Ctrl-D cancels it.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { fail } from "./fail.ts";
import { printable } from "./printable.ts";
import { dropTypedAhead } from "./typed-ahead.ts";

export interface AskOptions {
  /** Do not echo what is typed. */
  readonly isSecret?: boolean;
  /** The answer is irreversible: keys typed before the question is shown do not answer it. */
  readonly isDeliberate?: boolean;
  /** Aborting it is like Ctrl-C. */
  readonly signal?: AbortSignal;
}

/** The typed line. Standard input has to be a terminal. Fails with `interrupted`. */
export async function askTerminal(
  asked: string,
  { isSecret = false, isDeliberate = false, signal }: AskOptions = {},
): Promise<string> {
  const question = printable(asked);
  if (isDeliberate) await dropTypedAhead(process.stdin);
  const silent = new Writable({ write: (_chunk, _encoding, callback) => callback() });
  const output = isSecret ? silent : process.stdout;
  const prompt = createInterface({ input: process.stdin, output, terminal: true });
  // Ctrl-D closes the prompt, whose question would otherwise never resolve.
  const closed = new Promise<never>((_resolve, reject) => prompt.once("close", reject));
  closed.catch(() => {});
  if (isSecret) process.stdout.write(`${question} `);
  try {
    const answered = prompt.question(`${question} `, signal ? { signal } : {});
    const answer = await Promise.race([answered, closed]);
    if (isSecret) process.stdout.write("\n");
    return answer;
  } catch (error) {
    process.stdout.write("\n");
    if (error !== undefined && (error as NodeJS.ErrnoException).code !== "ABORT_ERR") throw error;
    return fail({ code: "interrupted", what: "Stopped by Ctrl-C.", exitCode: 130 });
  } finally {
    prompt.close();
  }
}

/** Yes in one of the box's languages, or its first letter. */
export function isYes(typed: string): boolean {
  return ["yes", "y", "si", "sí", "s"].includes(typed.trim().toLowerCase());
}
