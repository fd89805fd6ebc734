// SPDX-License-Identifier: GPL-3.0-or-later
// Switches services on and off, one after the other: a failure does not prevent the others.

import { Failure, fail } from "../../../common/fail.ts";
import type { Service } from "../../../common/service.ts";
import { catalogue } from "../../catalogue/catalogue.ts";
import { toTrouble } from "../../host/trouble.ts";
import { english } from "../../i18n/translate.ts";
import { boxFacts, type OfferReason, offer } from "../../services/availability.ts";
import { declare } from "../../services/declare.ts";
import { activate, deactivate, stopSerf } from "../../services/engine.ts";
import { readStates, writeState } from "../../services/state.ts";
import type { Answers, StepTools } from "../../setup/step.ts";
import { credentialsOf } from "../node/apply.ts";
import { chosen, isDiscovery } from "./questions.ts";
import { tellAct } from "./tell-act.ts";

export async function apply(answers: Answers, tools: StepTools): Promise<void> {
  const { box, image } = tools;
  const wanted = chosen(answers);
  const states = await readStates(box);
  for (const service of catalogue.slice().reverse()) {
    if (wanted.some((choice) => choice.service.id === service.id)) continue;
    if (isDiscovery(service)) {
      tools.progress("progress.services.off");
      await stopSerf(box);
    } else if (states[service.id] && states[service.id]?.state !== "off") {
      tellAct(tools, "deactivate", service.id);
    }
    await deactivate(tools, service);
  }
  const facts = await boxFacts(box, image);
  for (const { service, where, inputs } of wanted) {
    const offered = offer(service, facts);
    // If the contexts failed and were skipped, the service runs in the next possible place.
    const place = offered.places.find((each) => each === where) ?? offered.places[0] ?? where ?? "host";
    if (isDiscovery(service)) tools.progress("progress.services.serf");
    else tellAct(tools, "activate", service.id);
    try {
      if ("reason" in offered) impossible(service, offered.reason);
      const before = await declare(tools, () => credentialsOf(tools), service, place, inputs);
      await activate(tools, service, { where: place, inputs, ...before });
    } catch (error) {
      // Without Serf the box cannot be found, so the step has failed. `verify` reports other services' failures.
      if (isDiscovery(service) || !(error instanceof Failure)) throw error;
      const { hint: _hint, what, ...trouble } = toTrouble(error);
      const state = (await readStates(box))[service.id];
      await writeState(box, service.id, {
        ...{ state: "starting", published: true, facts: {}, ...state, where: place, inputs },
        ...(service.first_account === "visitor" ? { claimed: state?.claimed ?? false } : {}),
        trouble: { ...trouble, what: [what, trouble.found].filter(Boolean).join(" ") },
      });
    }
  }
}

function impossible(service: Service, reason: OfferReason): never {
  return fail({
    code: "service-impossible",
    what: english(`problem.service-${reason}`),
    hint: `sudo cbox services enable ${service.id}`,
  });
}
