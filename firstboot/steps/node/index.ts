// SPDX-License-Identifier: GPL-3.0-or-later
// Step "node": puts the box on the community's map, as a device of a node. Needs the member's password.

import { readRegistration, remember } from "../../guifi/store.ts";
import type { Box } from "../../host/box.ts";
import { type ImageInfo, websiteName } from "../../host/image-info.ts";
import { type AllAnswers, defineStep, type StepStatus } from "../../setup/step.ts";
import { type MemberAnswers, signsIn } from "../member/questions.ts";
import { wasSkipped } from "../was-passed.ts";
import { apply } from "./apply.ts";
import { check, type NodeFacts } from "./check.ts";
import { lookUp, PLAIN_CHOICES } from "./look-up.ts";
import { type NodeAnswers, registers, schema, textOf } from "./questions.ts";
import { verify } from "./verify.ts";

export const node = defineStep<NodeAnswers, NodeFacts>({
  id: "node",
  schema,
  skippable: true,
  secretsFrom: ["member"],
  probe,
  lookUp: { paths: ["id"], run: lookUp },
  check,
  summary: (answers, t) =>
    registers(answers)
      ? [answers.id, textOf(answers.name)].filter(Boolean).join(", ")
      : t("option.node.register.later"),
  apply,
  verify,
  status,
  // The device stays at the site, which only its member may change, and is found again by its MAC address. Who wants it
  // gone is asked before (`cbox node leave`).
  reset: async (box) =>
    remember(box, {
      licence: undefined,
      node: undefined,
      device: undefined,
      former: undefined,
      services: undefined,
    }),
});

async function probe(_box: Box, image: ImageInfo, all: AllAnswers): Promise<NodeFacts> {
  const hasMember = signsIn((all.member ?? {}) as MemberAnswers);
  const { title, version, url } = image.community.licence;
  return {
    hasMember,
    defaults: { address_from: "auto" },
    choices: { address_from: PLAIN_CHOICES },
    texts: { id: { website: websiteName(image) }, accept_licence: { title, version, url } },
    // Who signs in later registers later.
    hidden: hasMember ? [] : Object.keys(schema.properties),
  };
}

async function status(box: Box, image: ImageInfo): Promise<StepStatus> {
  const { member, node: place, device, licence, services } = await readRegistration(box);
  const data = {
    node: place ?? null,
    device: device ?? null,
    licence: licence ?? null,
    services: services ?? {},
    page: pageOf(image, device) ?? null,
  };
  if (!place || !device) {
    return {
      state: (await wasSkipped(box, "node", "node-needs-member")) ? "trouble" : "off",
      rows: [],
      advice: {
        key: member ? "status.node.later" : "status.node.needs-member",
        values: { command: "cbox node setup" },
      },
      data,
    };
  }
  return {
    state: "works",
    rows: [
      { label: "label.node.id", value: `${place.id}, ${place.name}` },
      { label: "label.node.name", value: device.name },
      ...(device.address ? [{ label: "status.node.address" as const, value: device.address }] : []),
      ...(data.page ? [{ label: "status.node.page" as const, value: data.page }] : []),
    ],
    ...(device.address
      ? {}
      : { advice: { key: "status.node.no-address" as const, values: { command: "cbox node setup" } } }),
    data,
  };
}

/** Where a person sees the box at the web site. */
function pageOf({ community }: ImageInfo, device: { readonly id: number } | undefined): string | undefined {
  const { device_url: base } = community.api;
  return base && device ? `${base}/${device.id}` : undefined;
}
