// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the answers of "contexts": exact amounts must leave enough for the host and for the owner's context.

import { type Amount, bounds, type NoContexts, type Resources } from "../../contexts/plan.ts";
import { type Problem, problem } from "../../setup/problems.ts";
import type { DeepPartial, ProbeResult } from "../../setup/step.ts";
import type { ContextsAnswers } from "./questions.ts";

export interface ContextsFacts extends ProbeResult {
  readonly box: Resources;
  /** Why the box has no contexts. */
  readonly none?: NoContexts;
}

/** The amount that each question sets; disk is asked in GiB. */
const AMOUNTS = {
  memory_mib: "memoryMib",
  cpus: "cpus",
  disk_gib: "diskMib",
  processes: "processes",
  instances: "instances",
} as const satisfies Record<string, Amount>;
const NAMES = Object.keys(AMOUNTS) as (keyof typeof AMOUNTS)[];

export function check(answers: DeepPartial<ContextsAnswers>, { box, none }: ContextsFacts): Problem[] {
  if (none) return [];
  const given = NAMES.filter((name) => answers[name] !== undefined);
  if (answers.share !== "exact") return given.map((name) => problem(`contexts.${name}`, "exact-only"));
  const limits = bounds(box);
  return given.flatMap((name) => {
    const { least, most } = limits[AMOUNTS[name]];
    const unit = name === "disk_gib" ? 1024 : 1;
    const [first, last] = [Math.ceil(least / unit), Math.floor(most / unit)];
    const value: unknown = answers[name];
    if (Number.isInteger(value) && Number(value) >= first && Number(value) <= last) return [];
    // If the disk is too small for any whole number of GiB, only the named shares can be chosen.
    if (first > last) return [problem(`contexts.${name}`, "share-by-word", { found: String(value) })];
    return [problem(`contexts.${name}`, "share-range", { found: String(value), values: { first, last } })];
  });
}
