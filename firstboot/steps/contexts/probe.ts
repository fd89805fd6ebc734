// SPDX-License-Identifier: GPL-3.0-or-later
// How much of this box can be shared, and whether it can be divided.

import { readResources } from "../../contexts/facts.ts";
import { planContexts, type Resources, type Share, unfit } from "../../contexts/plan.ts";
import { gib } from "../../contexts/set-up.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { readChoices } from "../../host/owner-settings.ts";
import { translator } from "../../i18n/translate.ts";
import type { AllAnswers } from "../../setup/step.ts";
import type { ContextsFacts } from "./check.ts";
import { schema } from "./questions.ts";

const SHARES: readonly Share[] = ["little", "half", "most"];

export async function probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<ContextsFacts> {
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

/** The shares with this box's amounts: "Half: 768 MiB of memory, 1 of 2 processors, 1.5 GiB of disk". */
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
