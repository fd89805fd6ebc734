// SPDX-License-Identifier: GPL-3.0-or-later
// Divides the box into contexts, or records why it cannot be divided.

import { readResources } from "../../contexts/facts.ts";
import { cpuPercent, planContexts, unfit } from "../../contexts/plan.ts";
import { readRecord, writeRecord } from "../../contexts/record.ts";
import { setUp } from "../../contexts/set-up.ts";
import type { StepTools } from "../../setup/step.ts";
import { updateContexts } from "../../updates/updates.ts";
import type { ContextsAnswers } from "./questions.ts";

export async function apply(answers: ContextsAnswers, tools: StepTools): Promise<void> {
  const { box, image, progress } = tools;
  const known = await readRecord(box);
  // A divided box keeps its recorded resources: if the kernel reports a few MiB less today, it is not divided again.
  const resources = known && !("none" in known) ? known.box : await readResources(box, image);
  const none = unfit(image, resources);
  if (none) {
    progress(`progress.contexts.none-${none}`);
    return writeRecord(box, { none, box: resources });
  }
  const plan = planContexts(resources, answers);
  const percent = cpuPercent(resources, answers, plan.community.cpus);
  const division = { ...plan, box: resources, cpuPercent: percent };
  const pools = await setUp(division, tools);
  await writeRecord(box, { ...division, ...(pools === "own" ? { pools } : {}) });
  await updateContexts(box, tools.image);
}
