// SPDX-License-Identifier: GPL-3.0-or-later
// The data for a service's templates: its files, the arguments of its commands, its announcement.

import { fail } from "../../common/fail.ts";
import type { Value } from "../../common/json.ts";
import type { Service } from "../../common/service.ts";
import { templateRenderer } from "../../common/service-template.ts";
import type { FoundService } from "../discovery/search.ts";
import { errorText } from "../host/error-text.ts";
import type { CommunityInfo } from "../host/image-info.ts";
import type { ServiceSecrets } from "./secrets.ts";

export interface TemplateData {
  readonly community: CommunityInfo;
  readonly box: { readonly hostname: string; readonly address: string };
  readonly service: {
    readonly id: string;
    readonly where: string;
    /** Prefix of a port in a compose file that others may reach: "127.0.0.1:" until it is claimed, then empty. */
    readonly bind: string;
  };
  readonly inputs: { readonly [name: string]: Value };
  readonly secrets: ServiceSecrets;
  readonly facts: { readonly [name: string]: string };
  /** Empty strings on a box that is not registered. */
  readonly registration: Registration;
  /** Another box's service, if the template is about one. */
  readonly found?: Pick<FoundService, "type" | "description" | "host" | "address" | "port" | "txt">;
  /** PEM file of the trusted authorities, in the place where the service runs. */
  readonly authorities: string;
  /** The box's user agent for web servers, such as community-box/0.1.0. */
  readonly user_agent: string;
}

export interface Registration {
  readonly node_id: string;
  readonly device_id: string;
  /** The declared number of this service. */
  readonly service_id: string;
  readonly federation_url: string;
  /** Branch of the directory with the users of proxies. */
  readonly proxy_users_dn: string;
}

/** `what` names the template in messages. Throws Failure `service-template`. */
export type Render = (template: string, data: TemplateData, what: string) => string;

let shared: Promise<Render> | undefined;

export function renderer(): Promise<Render> {
  shared ??= load();
  return shared;
}

async function load(): Promise<Render> {
  const render = await templateRenderer();
  return (template, data, what) => {
    try {
      return render(template, data);
    } catch (error) {
      return fail({
        code: "service-template",
        ...errorText("error.service-template", { id: data.service.id, template: what }),
        found: (error as Error).message.split("\n")[0] ?? "",
      });
    }
  };
}

/** The number of a port, which may be a reference such as community.serf.port. */
export function portNumber(
  port: Service["ports"][number]["port"],
  data: Pick<TemplateData, "community" | "inputs">,
): number {
  if (typeof port === "number") return port;
  const value = port.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], data);
  return Number(value);
}
