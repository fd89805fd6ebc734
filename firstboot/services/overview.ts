// SPDX-License-Identifier: GPL-3.0-or-later
// All services at a glance, for `cbox services` and `cbox status`: what is on, where, whether it works, and what could
// be switched on.

import type { PlaceId, Service } from "../../common/service.ts";
import type { Box } from "../box.ts";
import { type Language, translator } from "../i18n.ts";
import type { ImageInfo } from "../image-info.ts";
import { paths } from "../paths.ts";
import { isEnabled, type PublishResult } from "../publish.ts";
import { SERF_UNIT } from "../serf.ts";
import type { StepStatus, Value } from "../steps/step.ts";
import { readChoices } from "../steps/system/apply.ts";
import { parseJson } from "../world.ts";
import { catalogue } from "./catalogue.ts";
import { defaultInputs } from "./data.ts";
import { portsOf } from "./engine.ts";
import { faultsOf } from "./health.ts";
import { boxFacts, type OfferReason, offer } from "./offer.ts";
import { readStates, type ServiceState } from "./state.ts";

export interface ServiceView {
  readonly id: string;
  readonly title: Service["title"];
  readonly state: ServiceState["state"];
  readonly where?: PlaceId;
  /** What is wrong with a service that is on. */
  readonly faults: readonly string[];
  /** Announced now. */
  readonly published: boolean;
  readonly ports: readonly string[];
  /** Where it could run; empty with the reason why not. */
  readonly places: readonly PlaceId[];
  readonly reason?: OfferReason;
}

export async function overview(box: Box, image: ImageInfo): Promise<ServiceView[]> {
  const facts = await boxFacts(box, image);
  const states = await readStates(box);
  const result = parseJson<Partial<PublishResult>>((await box.readFile(paths.published)) ?? "{}", {});
  // Into contexts only root can look.
  const isRoot = (await box.run("id", ["-u"])).stdout.trim() === "0";
  const mayLook = ({ where }: ServiceState) => where === "host" || isRoot;
  const views: ServiceView[] = [];
  for (const service of catalogue) {
    const state = await stateOf(box, service, states[service.id]);
    const offered = offer(service, facts);
    const data = { community: image.community, inputs: state?.inputs ?? defaultInputs(service) };
    views.push({
      id: service.id,
      title: service.title,
      state: state?.state ?? "off",
      ...(state ? { where: state.where } : {}),
      faults: state?.state === "on" && mayLook(state) ? await faultsOf({ box, image }, service, state) : [],
      published: (result.published ?? []).some(({ s }) => s === service.publication?.type),
      ports: portsOf(service, data).map(({ port, protocol }) => `${protocol}/${port}`),
      places: offered.places,
      ...("reason" in offered ? { reason: offered.reason } : {}),
    });
  }
  return views;
}

/** Serf is on when its unit is, whatever the notes say. */
async function stateOf(box: Box, { id }: Service, noted: ServiceState | undefined) {
  if (id !== "serf") return noted;
  if (!(await isEnabled(box, SERF_UNIT))) return noted && { ...noted, state: "off" as const };
  return { where: "host" as const, published: true, inputs: {}, facts: {}, ...noted, state: "on" as const };
}

/** See {@link StepStatus}. */
export async function servicesStatus(box: Box, image: ImageInfo): Promise<StepStatus> {
  const { language = image.community.default_language } = await readChoices(box);
  const t = translator(language);
  const views = (await overview(box, image)).filter(({ state }) => state !== "off");
  const troubled = views.filter(({ state, faults }) => state !== "on" || faults.length > 0);
  const words = ({ state, faults }: ServiceView) => {
    if (state !== "on") return t("status.services.half");
    return faults.length
      ? t("status.services.trouble", { faults: faults.join(", ") })
      : t("status.services.works");
  };
  return {
    state: views.length === 0 ? "off" : troubled.length ? "trouble" : "works",
    rows: views.map((view) => ({
      label: `label.services.${view.id}.enabled` as "step.services",
      value: words(view),
    })),
    ...(troubled.length ? { advice: { key: "status.services.advice", values: {} } } : {}),
    data: { services: views.map((view) => plain(view, language as Language)) },
  };
}

function plain(view: ServiceView, language: Language): { [name: string]: Value } {
  const { title, where = null, reason = null, ...rest } = view;
  return { ...rest, title: title[language] ?? title.en, where, reason };
}
