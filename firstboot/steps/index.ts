// SPDX-License-Identifier: GPL-3.0-or-later
// The steps of the set-up, in order. Machine, prompts, answers file and its schema are made from this list.

import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Step } from "../setup/step.ts";
import { contexts } from "./contexts/index.ts";
import { install } from "./install/index.ts";
import { member } from "./member/index.ts";
import { network } from "./network/index.ts";
import { node } from "./node/index.ts";
import { services } from "./services/index.ts";
import { system } from "./system/index.ts";
import { vpn } from "./vpn/index.ts";

export const steps: readonly Step[] = [system, network, member, node, vpn, contexts, services];

/** Includes the steps that only some boxes have. */
export const allSteps: readonly Step[] = [install, ...steps];

/** The steps of this box. */
export async function stepsHere(box: Box, image: ImageInfo): Promise<readonly Step[]> {
  const here: Step[] = [];
  for (const step of allSteps) if ((await step.isApplicable?.(box, image)) ?? true) here.push(step);
  return here;
}
