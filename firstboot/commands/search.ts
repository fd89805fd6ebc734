// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox search [type]`: what the community offers, nearest first.

import { parseArgs } from "node:util";
import { fail } from "../../common/fail.ts";
import { linuxBox } from "../box-linux.ts";
import { toAscii } from "../console/ascii.ts";
import { type Translate, translator } from "../i18n.ts";
import { readImageInfo } from "../image-info.ts";
import { type FoundService, search } from "../search.ts";
import { readChoices } from "../steps/system/apply.ts";

export async function searchNow(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: "boolean" } },
  });
  const box = linuxBox();
  const found = await search(box, positionals[0]);
  if (!found) {
    return fail({
      code: "serf-silent",
      what: "Discovery (Serf) does not answer on this box.",
      hint: "sudo cbox services enable serf",
    });
  }
  const { language = (await readImageInfo(box)).community.default_language } = await readChoices(box);
  const text = values.json
    ? JSON.stringify(found, undefined, 2)
    : searchLines(found.services, translator(language)).join("\n");
  process.stdout.write(`${text}\n`);
}

/** A table as wide as it has to be; a terminal that is narrower wraps it. */
export function searchLines(services: readonly FoundService[], t: Translate): string[] {
  if (services.length === 0) return [t("search.nothing")];
  const head = ["type", "description", "host", "address", "rtt"] as const;
  const rows = [
    head.map((column) => t(`search.${column}`)),
    ...services.map(({ type, description, host, address, port, rtt_ms: rtt }) => [
      type,
      description,
      host,
      `${address}:${port}`,
      rtt === undefined ? "-" : `${rtt < 10 ? rtt.toFixed(1) : Math.round(rtt)} ms`,
    ]),
  ];
  const ascii = rows.map((row) => row.map(toAscii));
  const widths = head.map((_, column) => Math.max(...ascii.map((row) => row[column]?.length ?? 0)));
  return ascii.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
