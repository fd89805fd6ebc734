// SPDX-License-Identifier: GPL-3.0-or-later
// Step "services": discovery by Serf, on unless the owner says no, and whatever else of the catalogue is wanted and can
// work here. One service that does not come up keeps no other from running, and none keeps the box from being set up.

import { Failure, fail } from "../../../common/fail.ts";
import type { Service } from "../../../common/service.ts";
import { catalogue } from "../../catalogue/catalogue.ts";
import type { ACTS } from "../../catalogue/texts.ts";
import { serfInfo } from "../../discovery/serf.ts";
import type { Box } from "../../host/box.ts";
import { sayFound } from "../../host/found-text.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { paths } from "../../host/paths.ts";
import { toTrouble } from "../../host/trouble.ts";
import { english } from "../../i18n/translate.ts";
import { boxFacts, type OfferReason, offer, type Planned } from "../../services/availability.ts";
import { isUnclaimed } from "../../services/claim.ts";
import { copiesOf } from "../../services/copies.ts";
import { everyService } from "../../services/custom-projects.ts";
import { declare } from "../../services/declare.ts";
import { activate, deactivate, removeData, stopSerf } from "../../services/engine.ts";
import { waitUntilHealthy } from "../../services/health.ts";
import { announced, publish } from "../../services/publish.ts";
import { eachSecret, secretsForPeople } from "../../services/secrets.ts";
import { readStates, writeState } from "../../services/state.ts";
import {
  type AllAnswers,
  type Answers,
  defineStep,
  type GeneratedCredential,
  type StepTools,
  type Warning,
} from "../../setup/step.ts";
import { credentialsOf } from "../node/apply.ts";
import { type NodeAnswers, registers } from "../node/questions.ts";
import { check, type ServicesFacts } from "./check.ts";
import { lookUp } from "./look-up.ts";
import { chosen, discovery, isDiscovery, others, schema } from "./questions.ts";
import { resetSerf } from "./reset.ts";
import { servicesStatus } from "./status.ts";

export const services = defineStep<Answers, ServicesFacts>({
  id: "services",
  schema,
  skippable: true,
  // To declare a service at the community's web application.
  secretsFrom: ["member"],
  probe,
  check,
  lookUp,
  summary: (answers, t) =>
    chosen(answers)
      .map(({ service }) => t(`title.services.${service.id}` as "step.services"))
      .join(", "),
  apply,
  verify,
  status: servicesStatus,
  generatedCredentials,
  async reset(box, image, { keepData }) {
    // Those first that need others.
    for (const service of (await everyService(box)).slice().reverse()) {
      // A context that is gone took its services along.
      await deactivate({ box, image }, service).catch(() => {});
      if (!keepData) await removeData({ box, image }, service).catch(() => {});
    }
    await resetSerf(box);
    const kept = [paths.services, paths.serviceSecrets, paths.ownServices];
    if (!keepData) for (const path of kept) await box.remove(path);
  },
});

async function probe(box: Box, image: ImageInfo, all: AllAnswers = {}): Promise<ServicesFacts> {
  const facts = await boxFacts(box, image, planned(all));
  const offers = new Map(catalogue.map((service) => [service.id, offer(service, facts)]));
  const placesOf = (id: string) => offers.get(id)?.places ?? [];
  const possible = others.filter(({ id }) => placesOf(id).length > 0);
  return {
    offers,
    community: image.community,
    defaults: {
      ...Object.fromEntries(catalogue.map(({ id, enabled }) => [`${id}.enabled`, enabled])),
      ...Object.fromEntries(
        possible.flatMap(({ id, inputs }) => [
          [`${id}.context`, placesOf(id)[0] ?? "host"] as const,
          ...Object.entries(inputs).map(
            ([name, { schema: input }]) => [`${id}.${name}`, input.default as string] as const,
          ),
        ]),
      ),
    },
    choices: Object.fromEntries(
      possible.map(({ id }) => [`${id}.context`, placesOf(id).map((value) => ({ value }))]),
    ),
    hidden: [
      ...others
        .filter((service) => !possible.includes(service))
        .flatMap(({ id, inputs }) =>
          ["enabled", "context", ...Object.keys(inputs)].map((name) => `${id}.${name}`),
        ),
      ...possible.filter(({ id }) => placesOf(id).length === 1).map(({ id }) => `${id}.context`),
    ],
  };
}

async function apply(answers: Answers, tools: StepTools): Promise<void> {
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
    // The contexts may not have come about, and were passed over: the next best place then.
    const place = offered.places.find((each) => each === where) ?? offered.places[0] ?? where ?? "host";
    if (isDiscovery(service)) tools.progress("progress.services.serf");
    else tellAct(tools, "activate", service.id);
    try {
      if ("reason" in offered) impossible(service, offered.reason);
      const before = await declare(tools, () => credentialsOf(tools), service, place, inputs);
      await activate(tools, service, { where: place, inputs, ...before });
    } catch (error) {
      // Serf is the box's voice: without it the step has failed. Any other service waits for `verify` to tell.
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

async function verify(answers: Answers, tools: StepTools): Promise<Warning[]> {
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
    // Nobody else there yet: Serf goes on trying by itself.
    ...(info.members > 1 ? [] : [{ code: "serf-no-peers" }]),
    ...(omitted.length ? [{ code: "serf-omitted", values: { names: omitted.join(", ") } }] : []),
  ];
}

/** On a registered box only: elsewhere nobody expects it. */
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

/** Passwords that were made on this box, and what is the owner's to claim: said at the end, to who finishes the set-up. */
async function generatedCredentials(
  answers: Answers,
  { box }: Pick<StepTools, "box">,
): Promise<GeneratedCredential[]> {
  const states = await readStates(box);
  const lines: GeneratedCredential[] = [];
  for (const { service } of chosen(answers)) {
    for (const { name, word, secret } of eachSecret(await secretsForPeople(box, service))) {
      const key = `hand-over.services.${service.id}.${name}` as "hand-over.services.secret";
      lines.push({ key, values: { secret, ...(word === undefined ? {} : { name: word }) } });
    }
    if (isUnclaimed(service, states[service.id] ?? {}))
      lines.push({ key: "hand-over.services.claim", values: { id: service.id } });
  }
  return lines;
}

function impossible(service: Service, reason: OfferReason): never {
  return fail({
    code: "service-impossible",
    what: english(`problem.service-${reason}`),
    hint: `sudo cbox services enable ${service.id}`,
  });
}

function tellAct(tools: StepTools, act: (typeof ACTS)[number], id: string): void {
  tools.progress(`progress.services.${act}.${id}` as "progress.services.activate");
}

/** What the other steps are about to make. */
function planned({ network, node = {}, vpn, contexts }: AllAnswers): Planned {
  return {
    network: network !== undefined,
    registration: registers(node as Partial<NodeAnswers>),
    vpn: vpn?.join === true,
    contexts: contexts !== undefined,
  };
}
