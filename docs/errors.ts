// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of docs/reference/errors.md.

import { mistakes } from "../common/errors/mistakes.ts";
import { errorsByPlace } from "../common/errors.ts";

/** By the names of their marks in the page. */
export function errorTables() {
  const codes = Object.values(errorsByPlace).flatMap((errors) =>
    Object.entries(errors).map(([code, { means, hint }]) => [code, means, hint] as const),
  );
  return {
    codes: table(["code", "what it means", "what to do"], codes),
    mistakes: table(["code", "what it means"], Object.entries(mistakes)),
  };
}

function table(
  head: readonly string[],
  rows: readonly (readonly [code: string, ...rest: string[]])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const sorted = [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, ...rest]) => line([`\`${code}\``, ...rest]));
  return `${line(head)}|${"---|".repeat(head.length)}\n${sorted.join("")}`;
}
