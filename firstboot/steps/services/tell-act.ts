// SPDX-License-Identifier: GPL-3.0-or-later
// Shows what is being done to a service, with its title.

import type { ACTS } from "../../catalogue/texts.ts";
import type { StepTools } from "../../setup/step.ts";

export function tellAct(tools: StepTools, act: (typeof ACTS)[number], id: string): void {
  tools.progress(`progress.services.${act}.${id}` as "progress.services.activate");
}
