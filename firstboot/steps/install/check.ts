// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the answers of "install": the disk is identified and suitable, and erasing it was allowed.

import { didYouMean } from "../../../common/did-you-mean.ts";
import { chooseDisk, HERE } from "../../install/choose.ts";
import { type Disk, type Disks, diskText, sizeText } from "../../install/disks.ts";
import { type Problem, problem } from "../../setup/problems.ts";
import type { DeepPartial, ProbeResult } from "../../setup/step.ts";
import type { InstallAnswers } from "./questions.ts";

export interface InstallFacts extends ProbeResult {
  readonly disks: Disks;
  readonly minimumGib: number;
}

export function isMove({ to }: DeepPartial<InstallAnswers>): boolean {
  return to !== undefined && to !== HERE;
}

export function check(answers: DeepPartial<InstallAnswers>, facts: InstallFacts): Problem[] {
  const { to, confirm } = answers;
  if (to === undefined || to === HERE) return [];
  const disk = chooseDisk(facts.disks, to);
  if (typeof disk === "string") return [unclear(disk, to, facts)];
  if (disk.fault) return [unfit(disk, to, facts)];
  if (confirm === undefined || confirm === disk.name) return [];
  return [problem("install.confirm", "install-confirm", { found: confirm, values: { name: disk.name } })];
}

/** Checked for complete answers only. */
export function missingErase(answers: InstallAnswers): Problem[] {
  const isAllowed = answers.erase === true || answers.confirm !== undefined;
  return isMove(answers) && !isAllowed ? [problem("install.erase", "install-erase")] : [];
}

function unclear(what: "none" | "ambiguous" | "unknown", to: string, { disks }: InstallFacts): Problem {
  const names = disks.candidates.map(({ name }) => name);
  const values = { names: disks.candidates.map(diskText).join("; ") || "-" };
  if (what !== "unknown") return problem("install.to", `install-${what}`, { values });
  return problem("install.to", "install-unknown", { found: to, values, suggestion: didYouMean(to, names) });
}

function unfit({ fault = "used", bytes }: Disk, to: string, { minimumGib }: InstallFacts): Problem {
  const values = { size: sizeText(bytes), minimum: minimumGib };
  return problem("install.to", `install-${fault}`, { found: to, values });
}
