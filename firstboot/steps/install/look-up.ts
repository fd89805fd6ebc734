// SPDX-License-Identifier: GPL-3.0-or-later
// What an answer changes in the following questions: their language, and the disk to be erased.

import { minimumGib } from "../../host/image-info.ts";
import { readDisks } from "../../install/disks.ts";
import type { LookUp } from "../../setup/step.ts";
import { confirming, languageOf, places } from "./probe.ts";

export const lookUp: LookUp = {
  paths: ["language", "to"],
  /** The next question shows its choices in the chosen language; the one after it names the disk and its contents. */
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
