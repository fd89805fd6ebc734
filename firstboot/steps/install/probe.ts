// SPDX-License-Identifier: GPL-3.0-or-later
// Whether there is a disk to install to, and the disks to choose from.

import type { Box } from "../../host/box.ts";
import { type ImageInfo, minimumGib } from "../../host/image-info.ts";
import { translator } from "../../i18n/translate.ts";
import { answerFor, chooseDisk, HERE } from "../../install/choose.ts";
import { contentsText, type Disks, diskText, readDisks } from "../../install/disks.ts";
import type { AllAnswers, Answers, ProbeResult } from "../../setup/step.ts";
import type { InstallFacts } from "./check.ts";

export async function isApplicable(box: Box, image: ImageInfo): Promise<boolean> {
  return image.install === true && (await readDisks(box, minimumGib(image))).candidates.length > 0;
}

export async function probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<InstallFacts> {
  const disks = await readDisks(box, minimumGib(image));
  return {
    disks,
    minimumGib: minimumGib(image),
    // No default for `to`: a file that names no disk must not select one. The console offers the first choice.
    defaults: { language: image.community.default_language },
    ...confirming(disks, all.install?.to),
    choices: {
      language: image.community.languages.map((value) => ({ value })),
      to: places(disks, languageOf(all.install, image)),
    },
  };
}

export function languageOf(answers: Answers | undefined, { community }: ImageInfo): string {
  return typeof answers?.language === "string" ? answers.language : community.default_language;
}

export function places(disks: Disks, language: string) {
  const t = translator(language);
  const here = { value: HERE, label: t("option.install.to.here") };
  const targets = disks.candidates.map((disk) => ({
    value: answerFor(disk, disks),
    label: t("option.install.to.disk", { disk: diskText(disk) }),
  }));
  // On a stick, installing comes first: a stick is made for that. On an internal disk, staying comes first.
  return disks.source?.isPortable ? [...targets, here] : [here, ...targets];
}

export function confirming(disks: Disks, to: unknown): Pick<ProbeResult, "hidden" | "texts"> {
  const disk = typeof to === "string" && to !== HERE ? chooseDisk(disks, to) : undefined;
  if (typeof disk !== "object") return { hidden: to === HERE ? ["confirm"] : [] };
  const values = { disk: diskText(disk), contents: contentsText(disk), name: disk.name };
  return { hidden: [], texts: { confirm: values } };
}
