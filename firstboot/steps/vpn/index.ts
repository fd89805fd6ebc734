// SPDX-License-Identifier: GPL-3.0-or-later
// Step "vpn": joins the community's VPN by a rendezvous or by what the answers file says, or leaves it. The box is of
// use without: whoever cannot join now does it later.

import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { defineStep } from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { check, missing, type VpnFacts } from "./check.ts";
import { reset } from "./leave.ts";
import { schema, type VpnAnswers } from "./questions.ts";
import { reviewNotes, summary } from "./review.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";

export const vpn = defineStep<VpnAnswers, VpnFacts>({
  id: "vpn",
  schema,
  skippable: true,
  probe,
  check,
  missing,
  summary,
  reviewNotes,
  apply,
  verify,
  status,
  reset,
});

const SYS = "/sys/class/net";

async function probe(box: Box, image: ImageInfo): Promise<VpnFacts> {
  const { enabled_by_default, network, rendezvous } = image.community.vpn;
  const urls = rendezvous.map((each) => (typeof each === "string" ? each : each.url));
  const interfaces: string[] = [];
  for (const name of await box.list(SYS)) {
    // Our own from last time is none of the box's cables.
    if (!(await box.exists(`${SYS}/${name}/tun_flags`))) interfaces.push(name);
  }
  return {
    interfaces,
    defaults: {
      join: enabled_by_default && urls.length > 0,
      network,
      ...(urls.length ? { rendezvous: urls } : {}),
    },
  };
}
