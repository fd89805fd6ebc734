// SPDX-License-Identifier: GPL-3.0-or-later
// The step's line on the review page.

import type { Translate } from "../../i18n/translate.ts";
import { isMove } from "./check.ts";
import type { InstallAnswers } from "./questions.ts";

export function summary({ to }: InstallAnswers, t: Translate): string {
  return isMove({ to }) ? String(to) : t("option.install.to.here");
}
