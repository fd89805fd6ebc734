// SPDX-License-Identifier: GPL-3.0-or-later
// The step's line on the review page.

import type { Translate } from "../../i18n/translate.ts";
import { isKeysOnly, type SystemAnswers } from "./questions.ts";

export function summary(answers: SystemAnswers, t: Translate): string {
  return [
    answers.hostname,
    answers.owner.name,
    answers.timezone,
    answers.updates && t(`summary.system.updates.${answers.updates}`),
    isKeysOnly(answers) ? t("summary.system.keys-only") : undefined,
  ]
    .filter((word) => word !== undefined)
    .join(", ");
}
