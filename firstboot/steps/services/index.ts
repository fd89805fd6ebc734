// SPDX-License-Identifier: GPL-3.0-or-later
// Step "services": discovery by Serf, on unless the owner says no. A box without peers or address is no failure.

import { fail } from "../../../common/fail.ts";
import { must } from "../../box.ts";
import { announced, publish } from "../../publish.ts";
import { configureSerf, PUBLISH_TIMER, SERF_UNIT, serfInfo } from "../../serf.ts";
import { defineStep, type StepTools, type Survey, type Warning } from "../step.ts";
import { type ServicesAnswers, schema } from "./questions.ts";

export const services = defineStep<ServicesAnswers, Survey>({
  id: "services",
  schema,
  passable: true,
  survey: async () => ({ defaults: { "serf.enabled": true } }),
  check: () => [],
  apply,
  verify,
});

async function apply(answers: ServicesAnswers, { box, image, progress }: StepTools): Promise<void> {
  if (!isWanted(answers)) {
    progress("progress.services.off");
    await must(box, "systemctl", ["disable", "--now", PUBLISH_TIMER, SERF_UNIT], { timeout: 90_000 });
    return;
  }
  progress("progress.services.serf");
  const { address, changed } = await configureSerf(box, image);
  // serf.service comes with an old init script, too; the timer announces after every boot and every ten minutes.
  await must(box, "systemctl", ["enable", SERF_UNIT, PUBLISH_TIMER]);
  await must(box, "systemctl", ["start", PUBLISH_TIMER]);
  if (!address) return;
  await must(box, "systemctl", [changed ? "restart" : "start", SERF_UNIT], { timeout: 90_000 });
}

async function verify(answers: ServicesAnswers, { box, image, progress }: StepTools): Promise<Warning[]> {
  if (!isWanted(answers)) return [];
  progress("progress.services.publish");
  const { reason, omitted } = await publish(box, image);
  if (reason === "no-address") return [{ code: "serf-no-address" }];
  const info = await serfInfo(box);
  if (!info) {
    return fail({
      code: "serf-silent",
      what: "Discovery (Serf) was started but does not answer.",
      hint: "Try again, or go on without: cbox status tells how it is later.",
    });
  }
  const seen = await announced(box, info);
  if (!seen.some(({ s }) => s === "serf")) {
    return fail({
      code: "serf-not-published",
      what: "Discovery (Serf) runs, but the box is not announced.",
      found: `${seen.length} announced services`,
      hint: "Try again, or go on without: the box tries again every ten minutes.",
    });
  }
  return [
    // Nobody else there yet: Serf goes on trying by itself.
    ...(info.members > 1 ? [] : [{ code: "serf-no-peers" }]),
    ...(omitted.length ? [{ code: "serf-omitted", values: { names: omitted.join(", ") } }] : []),
  ];
}

function isWanted(answers: ServicesAnswers): boolean {
  return answers.serf?.enabled ?? true;
}
