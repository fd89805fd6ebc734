// SPDX-License-Identifier: GPL-3.0-or-later
// Collects the data for a service's templates: from the box, its registration and the owner's choices.

import { parseJson } from "../../common/json.ts";
import type { Service } from "../../common/service.ts";
import { communityAddress } from "../discovery/serf.ts";
import { addedAuthorities, tlsTrust } from "../host/authorities.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { paths } from "../host/paths.ts";
import { userAgent } from "../host/user-agent.ts";
import { isUnclaimed } from "./claim.ts";
import type { Place } from "./place.ts";
import { obtainSecrets } from "./secrets.ts";
import type { ServiceState } from "./state.ts";
import type { Registration, TemplateData } from "./template.ts";

/** Debian's bundle of public authorities. */
const PUBLIC = "/etc/ssl/certs/ca-certificates.crt";
/** In each place: the public and the community's authorities in one file, since some programs read only one. */
const BUNDLE = "/etc/community-box/authorities.pem";

export async function templateData(
  { box, image }: { readonly box: Box; readonly image: ImageInfo },
  service: Service,
  place: Place,
  state: ServiceState,
): Promise<TemplateData> {
  const inputs = { ...defaultInputs(service), ...state.inputs };
  return {
    community: image.community,
    box: {
      hostname: ((await box.readFile("/etc/hostname")) ?? "").trim() || "cbox",
      address: (await communityAddress(box, image))?.address ?? "",
    },
    service: { id: service.id, where: state.where, bind: isUnclaimed(service, state) ? "127.0.0.1:" : "" },
    inputs,
    secrets: await obtainSecrets(box, service, inputs),
    facts: state.facts,
    registration: await registrationOf(box, image, state),
    authorities: await authoritiesIn(place, box, image),
    user_agent: userAgent(image),
  };
}

export function defaultInputs(service: Service): ServiceState["inputs"] {
  return Object.fromEntries(
    Object.entries(service.inputs).map(([name, { schema }]) => [
      name,
      schema.default as string | number | boolean,
    ]),
  );
}

async function registrationOf(
  box: Box,
  { community }: ImageInfo,
  { declared = "" }: ServiceState,
): Promise<Registration> {
  const kept = parseJson<{ node?: { id?: number }; device?: { id?: number } }>(
    (await box.readFile(paths.guifi)) ?? "{}",
    {},
  );
  const { origin } = new URL(community.api.cnml_url);
  return {
    node_id: String(kept.node?.id ?? ""),
    device_id: String(kept.device?.id ?? ""),
    service_id: declared,
    federation_url: declared ? `${origin}/guifi/export/${declared}/federation` : "",
    // Beside the members' branch: o=webusers,dc=guifi,dc=net -> o=proxyusers,dc=guifi,dc=net.
    proxy_users_dn: ["o=proxyusers", ...community.ldap.base_dn.split(",").slice(1)].join(","),
  };
}

/**
 * Only written if the community has authorities or the machine's owner has added one: a context does not have those.
 */
async function authoritiesIn(place: Place, box: Box, image: ImageInfo): Promise<string> {
  const added = place.id === "host" ? [] : await addedAuthorities(box);
  const authorities = [...new Set([...added, ...((await tlsTrust(box, image)).authorities ?? [])])];
  if (authorities.length === 0) return PUBLIC;
  const both = [(await place.readFile(PUBLIC)) ?? "", ...authorities]
    .map((pem) => pem.trim())
    .filter(Boolean);
  await place.writeFile(BUNDLE, `${both.join("\n")}\n`, { mode: "0644", owner: "root:root" });
  return BUNDLE;
}
