// SPDX-License-Identifier: GPL-3.0-or-later
// One question of a command on the terminal it was typed at. Who does not want to answer leaves by Ctrl-C or Ctrl-D.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { fail } from "./fail.ts";
import { printable } from "./printable.ts";
import { dropTypedAhead } from "./typed-ahead.ts";

export interface AskOptions {
  /** What is typed is not shown. */
  readonly isSecret?: boolean;
  /** The answer cannot be taken back: what was typed before the question was shown does not answer it. */
  readonly isDeliberate?: boolean;
  /** Aborting it is like Ctrl-C. */
  readonly signal?: AbortSignal;
}

/** The line that was typed. Standard input has to be a terminal. Fails with `interrupted`. */
export async function askTerminal(
  asked: string,
  { isSecret = false, isDeliberate = false, signal }: AskOptions = {},
): Promise<string> {
  const question = printable(asked);
  if (isDeliberate) await dropTypedAhead(process.stdin);
  const silent = new Writable({ write: (_chunk, _encoding, callback) => callback() });
  const output = isSecret ? silent : process.stdout;
  const prompt = createInterface({ input: process.stdin, output, terminal: true });
  // Ctrl-D closes it, and would leave the question open.
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

/** Yes in the languages of the box, or its first letter. */
export function isYes(typed: string): boolean {
  return ["yes", "y", "si", "sí", "s"].includes(typed.trim().toLowerCase());
}
