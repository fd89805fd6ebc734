// SPDX-License-Identifier: GPL-3.0-or-later
// The step's line on the review page.

import type { Translate } from "../../i18n/translate.ts";
import type { Answers } from "../../setup/step.ts";
import { chosen } from "./questions.ts";

export function summary(answers: Answers, t: Translate): string {
  return chosen(answers)
    .map(({ service }) => t(`title.services.${service.id}` as "step.services"))
    .join(", ");
}
