// SPDX-License-Identifier: GPL-3.0-or-later
// Step "contexts": the box is divided into the host, the owner's context and the community's, by Incus.

import { readResources } from "../../contexts/facts.ts";
import { cpuPercent, planContexts, type Resources, type Share, unfit } from "../../contexts/plan.ts";
import { readRecord, writeRecord } from "../../contexts/record.ts";
import { gib, setUp } from "../../contexts/set-up.ts";
import { tearDown } from "../../contexts/tear-down.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { readChoices } from "../../host/owner-settings.ts";
import { translator } from "../../i18n/translate.ts";
import { withdrawPorts } from "../../services/forward.ts";
import { type AllAnswers, defineStep, type StepTools } from "../../setup/step.ts";
import { updateContexts } from "../../updates/updates.ts";
import { type ContextsFacts, check } from "./check.ts";
import { type ContextsAnswers, schema } from "./questions.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";

export const contexts = defineStep<ContextsAnswers, ContextsFacts>({
  id: "contexts",
  schema,
  skippable: true,
  probe,
  check,
  apply,
  verify,
  status,
  async reset(box, _image, { keepData }) {
    await withdrawPorts(box);
    await tearDown(box, keepData);
  },
});

const SHARES: readonly Share[] = ["little", "half", "most"];

async function probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<ContextsFacts> {
  const resources = await readResources(box, image);
  const none = unfit(image, resources);
  if (none) return { box: resources, none, defaults: {}, hidden: Object.keys(schema.properties) };
  const half = planContexts(resources, { share: "half" }).community;
  return {
    box: resources,
    defaults: {
      share: "half",
      memory_mib: half.memoryMib,
      cpus: half.cpus,
      disk_gib: Math.max(1, Math.floor(half.diskMib / 1024)),
      processes: half.processes,
      instances: half.instances,
    },
    choices: { share: shares(resources, await language(box, image, all)) },
  };
}

async function language(box: Box, image: ImageInfo, all: AllAnswers): Promise<string> {
  const chosen = all.system?.language ?? (await readChoices(box)).language;
  return typeof chosen === "string" ? chosen : image.community.default_language;
}

/** The words with the numbers of this box: "Half: 768 MiB of memory, 1 of 2 processors, 1.5 GiB of disk". */
function shares(box: Resources, spoken: string) {
  const t = translator(spoken);
  const numbered = SHARES.map((share) => {
    const { memoryMib, cpus, diskMib } = planContexts(box, { share }).community;
    const values = { memory: memoryMib, cpus, all: box.cpus, disk: gib(diskMib) };
    return {
      value: share,
      label: `${t(`option.contexts.share.${share}`)}: ${t("contexts.amounts", values)}`,
    };
  });
  return [...numbered, { value: "exact", label: t("option.contexts.share.exact") }];
}

async function apply(answers: ContextsAnswers, tools: StepTools): Promise<void> {
  const { box, image, progress } = tools;
  const known = await readRecord(box);
  // What was divided once stays the whole: a kernel that sees a few MiB less today is no reason to divide anew.
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
