// SPDX-License-Identifier: GPL-3.0-or-later
// The failures in the text of the code, in the files that a program imports: every object that begins with a code and
// says what went wrong.

import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { PROJECT } from "../../../image/host/paths.ts";

/** One place in the code. `body`: what stands between the braces of its details. */
export interface RaisedFailure {
  readonly file: string;
  readonly codes: readonly string[];
  readonly body: string;
}

/**
 * The text of the files and of all that they import, not for types only, by the path from the project's root. `lazily`:
 * also of what is imported where it is needed. `without`: files that are not followed.
 */
export function importedFrom(
  entries: readonly string[],
  { lazily = false, without = [] as readonly string[] } = {},
): Map<string, string> {
  const found = new Map<string, string>();
  const waiting = [...entries];
  const forms = [
    /^(?:import|export)(?! type)[^;]*? from "(\.[^"]+\.ts)"/gm,
    ...(lazily ? [/(?<!typeof )\bimport\("(\.[^"]+\.ts)"\)/g] : []),
  ];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file) || without.includes(file)) continue;
    const text = readFileSync(join(PROJECT, file), "utf8");
    found.set(file, text);
    for (const form of forms)
      for (const [, from = ""] of text.matchAll(form))
        waiting.push(relative(PROJECT, join(PROJECT, dirname(file), from)));
  }
  return found;
}

export function raisedIn(file: string, text: string): RaisedFailure[] {
  return [...text.matchAll(/\{\s*(?=code: )/g)]
    .map(({ index, 0: { length } }) => untilClosed(text, index + length))
    .filter((body) => /\bwhat:|\berrorText\(|\btext: \{/.test(body))
    .map((body) => {
      const [, value = ""] = /\bcode: ([^,]*(?:\?[^,]*)?),/.exec(body) ?? [];
      return { file, body, codes: [...value.matchAll(/"([\w-]+)"/g)].map(([, code = ""]) => code) };
    });
}

/** Up to the brace that closes the one before `from`. Braces of template strings come in pairs. */
export function untilClosed(text: string, from: number): string {
  let depth = 1;
  let end = from;
  for (; depth > 0 && end < text.length; end++) depth += { "{": 1, "}": -1 }[text[end] ?? ""] ?? 0;
  return text.slice(from, end - 1);
}
