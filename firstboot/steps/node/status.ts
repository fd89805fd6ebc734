// SPDX-License-Identifier: GPL-3.0-or-later
// The state of the registration, for `cbox status`.

import { readRegistration } from "../../guifi/store.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import type { StepStatus } from "../../setup/step.ts";
import { wasSkipped } from "../was-passed.ts";

export async function status(box: Box, image: ImageInfo): Promise<StepStatus> {
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

/** The box's page at the web site. */
function pageOf({ community }: ImageInfo, device: { readonly id: number } | undefined): string | undefined {
  const { device_url: base } = community.api;
  return base && device ? `${base}/${device.id}` : undefined;
}
