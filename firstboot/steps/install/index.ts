// SPDX-License-Identifier: GPL-3.0-or-later
// Step "install": a box that started from a stick moves to a disk of its own, before anything is set up. The set-up goes
// on there, after a restart without the stick.

import type { Box } from "../../host/box.ts";
import { type ImageInfo, minimumGib } from "../../host/image-info.ts";
import { translator } from "../../i18n/translate.ts";
import { answerFor, chooseDisk, HERE } from "../../install/choose.ts";
import { contentsText, type Disks, diskText, readDisks } from "../../install/disks.ts";
import { isInstalled } from "../../install/record.ts";
import {
  type AllAnswers,
  type Answers,
  defineStep,
  type LookUp,
  type ProbeResult,
} from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { check, type InstallFacts, isMove, missingErase } from "./check.ts";
import { type InstallAnswers, schema } from "./questions.ts";
import { verify } from "./verify.ts";

const lookUp: LookUp = {
  paths: ["language", "to"],
  /** The next question has its choices in the language just chosen; the one after it names the disk and what is on it. */
  async run(path, answers, { box, image }) {
    const disks = await readDisks(box, minimumGib(image));
    return {
      probe:
        path === "language"
          ? { choices: { to: places(disks, languageOf(answers, image)) } }
          : confirming(disks, answers.to),
    };
  },
};

export const install = defineStep<InstallAnswers, InstallFacts>({
  id: "install",
  schema,
  skippable: false,
  isApplicable: async (box, image) =>
    image.install === true && (await readDisks(box, minimumGib(image))).candidates.length > 0,
  relocatesBox: isMove,
  canResume,
  probe,
  lookUp,
  check,
  missing: missingErase,
  summary: ({ to }, t) => (isMove({ to }) ? String(to) : t("option.install.to.here")),
  apply,
  verify,
});

async function probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<InstallFacts> {
  const disks = await readDisks(box, minimumGib(image));
  return {
    disks,
    minimumGib: minimumGib(image),
    // None for `to`: a file that does not name a disk must not get one. At the console the first choice is offered.
    defaults: { language: image.community.default_language },
    ...confirming(disks, all.install?.to),
    choices: {
      language: image.community.languages.map((value) => ({ value })),
      to: places(disks, languageOf(all.install, image)),
    },
  };
}

function languageOf(answers: Answers | undefined, { community }: ImageInfo): string {
  return typeof answers?.language === "string" ? answers.language : community.default_language;
}

function places(disks: Disks, language: string) {
  const t = translator(language);
  const here = { value: HERE, label: t("option.install.to.here") };
  const targets = disks.candidates.map((disk) => ({
    value: answerFor(disk, disks),
    label: t("option.install.to.disk", { disk: diskText(disk) }),
  }));
  // A stick is there to install from; from a disk of its own the box may just as well run.
  return disks.source?.isPortable ? [...targets, here] : [here, ...targets];
}

function confirming(disks: Disks, to: unknown): Pick<ProbeResult, "hidden" | "texts"> {
  const disk = typeof to === "string" && to !== HERE ? chooseDisk(disks, to) : undefined;
  if (typeof disk !== "object") return { hidden: to === HERE ? ["confirm"] : [] };
  const values = { disk: diskText(disk), contents: contentsText(disk), name: disk.name };
  return { hidden: [], texts: { confirm: values } };
}

/** A stick goes from box to box: what it did at the last one is no business of this one. */
async function canResume(box: Box, image: ImageInfo, answers: InstallAnswers, isApplied: boolean) {
  if (!isMove(answers)) return true;
  const disks = await readDisks(box, minimumGib(image));
  if (isApplied) return isInstalled(box, disks);
  const disk = chooseDisk(disks, answers.to ?? HERE);
  return typeof disk === "object" && disk.fault === undefined;
}
