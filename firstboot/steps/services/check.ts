// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the answers of "services": each service can work on this box, and no two use the same port.

import type { PlaceId, Service } from "../../../common/service.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import type { Offer } from "../../services/availability.ts";
import { portsOf } from "../../services/engine.ts";
import { conditionMet } from "../../services/inputs.ts";
import { type Problem, problem } from "../../setup/problems.ts";
import type { Answers, ProbeResult } from "../../setup/step.ts";
import { type Choice, chosen } from "./questions.ts";

export interface ServicesFacts extends ProbeResult {
  readonly offers: ReadonlyMap<string, Offer>;
  readonly community: ImageInfo["community"];
}

export function check(answers: Answers, facts: ServicesFacts): Problem[] {
  const wanted = chosen(answers);
  return wanted.flatMap((choice, index) => [
    ...impossible(choice, facts.offers.get(choice.service.id)),
    ...unanswered(choice),
    ...conflicts(choice, wanted.slice(0, index), facts),
  ]);
}

function impossible({ service, where }: Choice, offer: Offer | undefined): Problem[] {
  const field = `services.${service.id}`;
  if (!offer) return [];
  if ("reason" in offer) return [problem(`${field}.enabled`, `service-${offer.reason}`, { found: "true" })];
  const places: readonly PlaceId[] = offer.places;
  if (where === undefined || places.includes(where)) return [];
  const names = places.join(", ");
  return [problem(`${field}.context`, "service-where", { found: where, values: { names } })];
}

/** Inputs that a service needs, such as the address to join. */
function unanswered({ service, inputs }: Choice): Problem[] {
  return Object.entries(service.inputs)
    .filter(([name, { needed, when }]) => needed && conditionMet(when, inputs) && inputs[name] === "")
    .map(([name]) => problem(`services.${service.id}.${name}`, "service-input-needed"));
}

function conflicts(choice: Choice, before: readonly Choice[], { community }: ServicesFacts): Problem[] {
  const ports = ({ service, inputs }: { service: Service; inputs: Choice["inputs"] }) =>
    portsOf(service, { community, inputs }).map(({ port, protocol }) => `${protocol}/${port}`);
  const own = new Set(ports(choice));
  const rivals = before.filter((other) => ports(other).some((port) => own.has(port)));
  if (rivals.length === 0) return [];
  const names = rivals.map(({ service }) => service.id).join(", ");
  return [problem(`services.${choice.service.id}.enabled`, "service-port-conflict", { values: { names } })];
}
