// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the services as soon as they are marked: whether the box has enough for all of them together.

import { boxFacts, roomMib } from "../../services/availability.ts";
import type { Answers, Finding, LookUp, LookUpTools } from "../../setup/step.ts";
import { chosen, TOGETHER } from "./questions.ts";

export const lookUp: LookUp = { paths: [TOGETHER], run };

async function run(_path: string, answers: Answers, { box, image }: LookUpTools): Promise<Finding> {
  const room = roomMib(await boxFacts(box, image));
  const memory = chosen(answers).reduce((sum, { service }) => sum + (service.needs.memory_mib ?? 0), 0);
  return memory <= room ? {} : { confirm: { key: "look-up.services.memory", values: { memory, room } } };
}
