// SPDX-License-Identifier: GPL-3.0-or-later
// Text in columns, for a terminal.

import { printable } from "../../common/printable.ts";

/** Columns two spaces apart, each as wide as its widest cell; the last one as long as it is. */
export function table(unsafe: readonly (readonly string[])[], indent = ""): string {
  // A cell may hold untrusted text: a row must stay one line.
  const rows = unsafe.map((row) => row.map(printable));
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0),
  );
  return rows
    .map(
      (row) =>
        indent +
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd(),
    )
    .join("\n");
}
