// SPDX-License-Identifier: GPL-3.0-or-later
// Uses a service that another box announces: opens it, or lets this box's own service of that type join it. The
// catalogue defines how; the announcement is untrusted and checked before use.

import { isIPv4 } from "node:net";
import { fail } from "../../common/fail.ts";
import type { Service, Words } from "../../common/service.ts";
import { templateRenderer } from "../../common/service-template.ts";
import { outerAddresses } from "../contexts/outer-addresses.ts";
import type { FoundService } from "../discovery/search.ts";
import { errorText } from "../host/error-text.ts";
import { boxFacts, offer } from "./availability.ts";
import { everyService } from "./custom-projects.ts";
import { templateData } from "./data.ts";
import { activate, type EngineTools, runSteps } from "./engine.ts";
import { waitUntilHealthy } from "./health.ts";
import { placeOf } from "./place.ts";
import { readStates, type ServiceState } from "./state.ts";
import { renderer } from "./template.ts";

export type Done =
  | { readonly open: string }
  /** `service` of this box has joined it. */
  | { readonly says: Words; readonly service: Service; readonly faults: readonly string[] };

type Join = NonNullable<NonNullable<Service["found"]>["join"]>;

/** The service of this box for services of that type, if there is one. */
export async function counterpart({ box }: EngineTools, type: string): Promise<Service | undefined> {
  const wanted = type.toLowerCase();
  return (await everyService(box)).find(({ found }) =>
    found?.types.some((each) => each.toLowerCase() === wanted),
  );
}

/** Fails with `search-odd`, `search-itself`, `service-off`, and as {@link activate} does. */
export async function actOn(tools: EngineTools, found: FoundService): Promise<Done> {
  const { box } = tools;
  const service = await counterpart(tools, found.type);
  refuseOdd(found, service?.found?.join);
  const join = service?.found?.join;
  if (!service || !join) {
    const open = service?.found?.open ?? "{{found.address}}:{{found.port}}";
    return { open: (await templateRenderer())(open, { found }) };
  }
  if ((await outerAddresses(box)).some(({ address }) => address === found.address)) {
    fail({
      code: "search-itself",
      ...errorText("error.search-itself"),
      found: `${found.address}:${found.port}`,
    });
  }
  const state = await joined(tools, service, join, found);
  return { says: join.says, service, faults: await waitUntilHealthy(tools, service, state) };
}

async function joined(
  tools: EngineTools,
  service: Service,
  join: Join,
  found: FoundService,
): Promise<ServiceState> {
  const { box, image } = tools;
  const { id, title } = service;
  const render = await renderer();
  let state = (await readStates(box))[id];
  if (Object.keys(join.inputs).length) {
    const where = state?.where ?? offer(service, await boxFacts(box, image)).places[0];
    if (!where) {
      return fail({ code: "service-impossible", ...errorText("error.service-impossible", { title }) });
    }
    const before: ServiceState = state ?? { state: "off", where, published: true, inputs: {}, facts: {} };
    const data = { ...(await templateData(tools, service, placeOf(box, where), before)), found };
    const chosen = Object.entries(join.inputs).map(([name, text]) => [
      name,
      render(text, data, `found.join.inputs.${name}`),
    ]);
    await activate(tools, service, { where, inputs: { ...data.inputs, ...Object.fromEntries(chosen) } });
    state = (await readStates(box))[id];
  }
  if (state?.state !== "on") {
    return fail({ code: "service-off", ...errorText("error.service-off", { title, id }) });
  }
  const place = placeOf(box, state.where);
  const data = { ...(await templateData(tools, service, place, state)), found };
  await runSteps(place, join.run, data, render);
  return state;
}

function refuseOdd({ address, port, txt, type }: FoundService, join: Join | undefined): void {
  const number = Number(port);
  const isAddress = isIPv4(address) && Number.isInteger(number) && number > 0 && number < 65536;
  const wrong = [
    ...(isAddress ? [] : [`${address}:${port}`]),
    ...Object.entries(join?.txt ?? {})
      .filter(([name, form]) => !new RegExp(form).test(txt[name] ?? ""))
      .map(([name]) => `${name}: ${txt[name] ?? "-"}`),
  ];
  if (wrong.length === 0) return;
  fail({ code: "search-odd", ...errorText("error.search-odd", { type }), found: wrong.join(", ") });
}
