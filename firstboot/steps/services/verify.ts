// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies that the chosen services work and are announced.

import { fail } from "../../../common/fail.ts";
import { catalogue } from "../../catalogue/catalogue.ts";
import { serfInfo } from "../../discovery/serf.ts";
import { sayFound } from "../../host/found-text.ts";
import { boxFacts } from "../../services/availability.ts";
import { copiesOf } from "../../services/copies.ts";
import { waitUntilHealthy } from "../../services/health.ts";
import { announced, publish } from "../../services/publish.ts";
import { readStates } from "../../services/state.ts";
import type { Answers, StepTools, Warning } from "../../setup/step.ts";
import { chosen, discovery, isDiscovery } from "./questions.ts";
import { tellAct } from "./tell-act.ts";

export async function verify(answers: Answers, tools: StepTools): Promise<Warning[]> {
  const wanted = chosen(answers);
  const bad: string[] = [];
  const alone: Warning[] = [];
  for (const { service } of wanted.filter(({ service }) => !isDiscovery(service))) {
    const state = (await readStates(tools.box))[service.id];
    if (!state?.trouble) tellAct(tools, "wait", service.id);
    const faults = state?.trouble
      ? [state.trouble.what]
      : state
        ? await waitUntilHealthy(tools, service, state, tools.signal)
        : ["not activated"];
    if (faults.length) bad.push(`${service.id} (${faults.join(", ")})`);
    else if (state && (await copiesOf(tools, service, state))?.boxes === 1)
      alone.push({ code: "services-one-copy", values: { title: service.title.en } });
  }
  const warnings = [
    ...alone,
    ...(await verifySerf(
      wanted.some(({ service }) => isDiscovery(service)),
      wanted.length > 0,
      tools,
    )),
    ...(await undeclared(
      wanted.map(({ service }) => service.id),
      tools,
    )),
  ];
  if (bad.length === 0) return warnings;
  return fail({
    code: "service-failed",
    what: "Not all of the services that were chosen work.",
    found: bad.join("; "),
    hint: "Try again, or go on without: sudo cbox services enable NAME does it later.",
  });
}

async function verifySerf(
  isWanted: boolean,
  hasOthers: boolean,
  { box, image, progress }: StepTools,
): Promise<Warning[]> {
  if (!isWanted) return hasOthers ? [{ code: "serf-off" }] : [];
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
  if (!seen.some(({ s }) => discovery.some(({ publication }) => publication?.type === s))) {
    return fail({
      code: "serf-not-published",
      what: "Discovery (Serf) runs, but the box is not announced.",
      ...sayFound("found.announced", { count: seen.length }),
      hint: "Try again, or go on without: the box tries again every ten minutes.",
    });
  }
  return [
    // No other member yet: Serf continues trying.
    ...(info.members > 1 ? [] : [{ code: "serf-no-peers" }]),
    ...(omitted.length ? [{ code: "serf-omitted", values: { names: omitted.join(", ") } }] : []),
  ];
}

/** On a registered box only: others are not declared. */
async function undeclared(ids: readonly string[], { box, image }: StepTools): Promise<Warning[]> {
  const { isRegistered } = await boxFacts(box, image);
  const states = await readStates(box);
  const names = catalogue
    .filter(({ id, guifi }) => guifi && ids.includes(id) && !states[id]?.declared)
    .map(({ id }) => id);
  return isRegistered && names.length
    ? [{ code: "service-undeclared", values: { names: names.join(", ") } }]
    : [];
}
