// SPDX-License-Identifier: GPL-3.0-or-later
// The step's line on the review page.

import type { Translate } from "../../i18n/translate.ts";
import { type NodeAnswers, registers, textOf } from "./questions.ts";

export function summary(answers: NodeAnswers, t: Translate): string {
  return registers(answers)
    ? [answers.id, textOf(answers.name)].filter(Boolean).join(", ")
    : t("option.node.register.later");
}
