// SPDX-License-Identifier: GPL-3.0-or-later
// The catalogue's texts as texts of the wizard, in its languages: the texts of a service's questions are in its own
// directory.

import type { PlaceId, Service, Words } from "../../common/service.ts";
import { catalogue } from "./catalogue.ts";

/** Sentences that all services share, from firstboot/i18n. */
export interface CommonWords {
  /** These with {title} and {memory}. */
  readonly "services.row-memory": string;
  readonly "services.row-network": string;
  readonly "services.source.image": string;
  readonly "services.source.pool": string;
  readonly "services.source.network": string;
  /** With {title}. */
  readonly "services.where": string;
  readonly "services.where-help": string;
  /** With {title}. */
  readonly "services.where-label": string;
  readonly "services.place.host": string;
  readonly "services.place.owner": string;
  readonly "services.place.community": string;
  /** These with {title}, and the last one with {label} and {secret}. */
  readonly "progress.services.activate": string;
  readonly "progress.services.deactivate": string;
  readonly "progress.services.wait": string;
  readonly "progress.services.declare": string;
  readonly "hand-over.services.secret": string;
}

export const ACTS = ["activate", "deactivate", "wait", "declare"] as const;

/** From this memory on, in MiB, the row in the list shows it. */
const HEAVY_MIB = 100;
const PLACES: readonly PlaceId[] = ["host", "owner", "community"];

export function catalogueTexts(language: keyof Words, common: CommonWords): Record<string, string> {
  return Object.assign({}, ...catalogue.map((service) => textsOf(service, language, common)));
}

function textsOf(service: Service, language: keyof Words, common: CommonWords): Record<string, string> {
  const path = `services.${service.id}`;
  const title = service.title[language];
  const memory = service.needs.memory_mib ?? 0;
  const isFetched = service.source === "network";
  const row = common[isFetched ? "services.row-network" : "services.row-memory"]
    .replace("{title}", title)
    .replace("{memory}", String(memory));
  const ask = service.ask?.[language] ?? (isFetched || memory >= HEAVY_MIB ? row : title);
  const texts: Record<string, string> = {
    [`title.${path}`]: title,
    [`ask.${path}.enabled`]: ask,
    [`help.${path}.enabled`]: `${service.description[language]} ${common[`services.source.${service.source}`]}`,
    [`label.${path}.enabled`]: title,
    [`ask.${path}.context`]: common["services.where"].replace("{title}", title),
    [`help.${path}.context`]: common["services.where-help"],
    [`label.${path}.context`]: common["services.where-label"].replace("{title}", title),
  };
  for (const place of PLACES)
    texts[`option.${path}.context.${place}`] = common[`services.place.${place}` as keyof CommonWords];
  for (const [name, { ask: question, help, label, options = {} }] of Object.entries(service.inputs)) {
    if (question) texts[`ask.${path}.${name}`] = question[language];
    if (help) texts[`help.${path}.${name}`] = help[language];
    if (label) texts[`label.${path}.${name}`] = label[language];
    for (const [value, words] of Object.entries(options))
      texts[`option.${path}.${name}.${value}`] = words[language];
  }
  for (const act of ACTS)
    texts[`progress.services.${act}.${service.id}`] = common[`progress.services.${act}`].replace(
      "{title}",
      title,
    );
  for (const [name, { label }] of Object.entries(service.secrets)) {
    if (!label) continue;
    texts[`hand-over.${path}.${name}`] = common["hand-over.services.secret"]
      .replace("{title}", title)
      .replace("{label}", label[language]);
  }
  return texts;
}
