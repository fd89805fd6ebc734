// SPDX-License-Identifier: GPL-3.0-or-later
// What the box writes: the report beside answers.yaml, and the answers file that would set up this box again.

import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { answersPaths, paths } from "../../host/paths.ts";
import { english, isTextKey } from "../../i18n/translate.ts";
import type { SetupContext } from "../machine.ts";
import type { Step, Warning } from "../step.ts";
import { ANSWERS_VERSION } from "./schema.ts";

export type ReportResult = "applied" | "refused" | "partial";

export interface Report {
  readonly version: 1;
  readonly result: ReportResult;
  readonly box: { readonly version: string; readonly profile: string };
  readonly steps: readonly { readonly id: string; readonly result: string; readonly detail?: string }[];
  readonly errors: readonly { field: string; found: string; expected: string; hint?: string }[];
  readonly warnings: readonly string[];
  readonly written: string;
}

/** The steps of this box that these answers apply: the one that ends the set-up, or all others. */
export function appliedIds(steps: readonly Step[], { answers }: Pick<SetupContext, "answers">): string[] {
  const last = steps.filter(({ id, relocatesBox }) => relocatesBox?.(answers[id] ?? {}));
  return (last.length ? last : steps.filter(({ relocatesBox }) => !relocatesBox)).map(({ id }) => id);
}

export function makeReport(
  context: SetupContext,
  stepIds: readonly string[],
  image: ImageInfo,
  now: Date,
): Report {
  const refused = context.problems.length > 0 && context.completedSteps.length === 0;
  const results = stepIds.map((id) => ({ id, ...stepResult(context, id, refused) }));
  const isWhole = results.every(({ result }) => result === "applied");
  return {
    version: 1,
    result: refused ? "refused" : isWhole ? "applied" : "partial",
    box: { version: image.version, profile: image.profile.id },
    steps: results,
    errors: refused
      ? context.problems.map(({ field, found, expected, hint }) => ({
          field,
          found,
          expected,
          ...(hint ? { hint } : {}),
        }))
      : [],
    warnings: context.warnings.map(warningSentence),
    written: now.toISOString(),
  };
}

function stepResult(
  context: SetupContext,
  id: string,
  refused: boolean,
): { result: string; detail?: string } {
  if (refused) return { result: "not-applied" };
  if (context.completedSteps.includes(id)) return { result: "applied" };
  const passed = context.warnings.find(({ code }) => code === `${id}-passed`);
  if (passed) return { result: "passed-over", detail: String(passed.values?.reason ?? "") };
  return { result: "failed", detail: context.trouble?.code ?? "not reached" };
}

export function warningSentence({ code, values }: Warning): string {
  const key = `warning.${code}`;
  return isTextKey(key) ? english(key, values) : code;
}

/** Beside answers.yaml, where a person can read it. Without the boot partition no report is written. */
export async function writeReport(box: Box, image: ImageInfo, report: Report): Promise<void> {
  const { stringify } = await import("yaml");
  const path = answersPaths(image.boot_mount).report;
  await box.writeFile(path, `# Written by the box; it never reads this file.\n${stringify(report)}`);
}

export async function writeKeptAnswers(
  box: Box,
  context: Pick<SetupContext, "answers" | "providedSecrets">,
): Promise<void> {
  const { stringify } = await import("yaml");
  // Where the box was installed from is not part of its configuration.
  const { install: _install, ...answers } = context.answers;
  const lines = [
    "# The answers this box was set up with. As answers.yaml on the CBOX-BOOT partition of another box,",
    "# it sets that one up in the same way. Secrets are not kept: add them before use.",
    ...context.providedSecrets.map((path) => `# Left out: ${path}`),
    stringify({ version: ANSWERS_VERSION, ...answers }),
  ];
  await box.writeFile(paths.answersKept, lines.join("\n"), { mode: 0o640 });
}
