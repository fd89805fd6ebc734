// SPDX-License-Identifier: GPL-3.0-or-later
// Applies "install": copies the box to the chosen disk, unless it stays where it is.

import { HERE } from "../../install/choose.ts";
import { move } from "../../install/move.ts";
import type { StepTools } from "../../setup/step.ts";
import { isMove } from "./check.ts";
import type { InstallAnswers } from "./questions.ts";

export async function apply(answers: InstallAnswers, tools: StepTools): Promise<void> {
  if (isMove(answers)) await move(answers.to ?? HERE, tools);
}
