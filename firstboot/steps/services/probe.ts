// SPDX-License-Identifier: GPL-3.0-or-later
// Which services can run on this box, and where.

import { catalogue } from "../../catalogue/catalogue.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { boxFacts, offer, type Planned } from "../../services/availability.ts";
import type { AllAnswers } from "../../setup/step.ts";
import { type NodeAnswers, registers } from "../node/questions.ts";
import type { ServicesFacts } from "./check.ts";
import { others } from "./questions.ts";

export async function probe(box: Box, image: ImageInfo, all: AllAnswers = {}): Promise<ServicesFacts> {
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

/** What the other steps are going to set up. */
function planned({ network, node = {}, vpn, contexts }: AllAnswers): Planned {
  return {
    network: network !== undefined,
    registration: registers(node as Partial<NodeAnswers>),
    vpn: vpn?.join === true,
    contexts: contexts !== undefined,
  };
}
