// SPDX-License-Identifier: GPL-3.0-or-later
// Renders the templates of a service: its files, the words of its commands, what it announces. Strict: a name that does
// not exist is a mistake of the catalogue, not an empty line in a configuration.

import { fail } from "../../common/fail.ts";
import type { Service } from "../../common/service.ts";
import type { CommunityInfo } from "../image-info.ts";
import type { Value } from "../steps/step.ts";

export interface TemplateData {
  readonly community: CommunityInfo;
  readonly box: { readonly hostname: string; readonly address: string };
  readonly service: { readonly id: string; readonly where: string };
  readonly inputs: { readonly [name: string]: Value };
  readonly secrets: { readonly [name: string]: string };
  readonly facts: { readonly [name: string]: string };
  /** Empty texts on a box that is not registered. */
  readonly registration: Registration;
  /** PEM file, in the place where the service runs, of the authorities to trust. */
  readonly authorities: string;
}

export interface Registration {
  readonly node_id: string;
  readonly device_id: string;
  /** Number under which this service is declared. */
  readonly service_id: string;
  readonly federation_url: string;
  /** Branch of the directory with the users of proxies. */
  readonly proxy_users_dn: string;
}

/** `what` names the template in messages. Throws Failure `service-template`. */
export type Render = (template: string, data: TemplateData, what: string) => string;

let shared: Promise<Render> | undefined;

/** Loads Handlebars, which only this needs. */
export function renderer(): Promise<Render> {
  shared ??= load();
  return shared;
}

async function load(): Promise<Render> {
  const { default: Handlebars } = await import("handlebars");
  const own = Handlebars.create();
  own.registerHelper("join", (items: readonly unknown[], separator: string) => items.join(separator));
  own.registerHelper("shell", (text: unknown) => `'${String(text).replaceAll("'", "'\\''")}'`);
  const compiled = new Map<string, (data: TemplateData) => string>();
  return (template, data, what) => {
    if (!template.includes("{{")) return template;
    try {
      const ready = compiled.get(template) ?? own.compile(template, { strict: true, noEscape: true });
      compiled.set(template, ready);
      return ready(data);
    } catch (error) {
      return fail({
        code: "service-template",
        what: `A template of the service "${data.service.id}" cannot be rendered: ${what}.`,
        found: (error as Error).message.split("\n")[0] ?? "",
        hint: "This is a mistake in the service's folder of the catalogue; please report it.",
      });
    }
  };
}

/** The number of a port that may be said elsewhere, such as community.serf.port. */
export function portNumber(
  port: Service["ports"][number]["port"],
  data: Pick<TemplateData, "community" | "inputs">,
): number {
  if (typeof port === "number") return port;
  const value = port.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], data);
  return Number(value);
}
