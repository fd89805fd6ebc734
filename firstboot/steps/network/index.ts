// SPDX-License-Identifier: GPL-3.0-or-later
// Step "network": which interface, DHCP or a static address; waits for an address, but does not insist on one.

import type { Box } from "../../box.ts";
import type { ImageInfo } from "../../image-info.ts";
import { defineStep } from "../step.ts";
import { apply } from "./apply.ts";
import { check, missingStatic, type NetworkFacts } from "./check.ts";
import { ambiguous, settleInterfaces } from "./interfaces.ts";
import { type NetworkAnswers, schema } from "./questions.ts";
import { reset } from "./reset.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";

export const network = defineStep<NetworkAnswers, NetworkFacts>({
  id: "network",
  schema,
  passable: true,
  survey,
  check,
  missing: missingStatic,
  apply,
  verify,
  status,
  reset,
});

async function survey(box: Box, image: ImageInfo): Promise<NetworkFacts> {
  const interfaces = await settleInterfaces(box);
  const choices = ambiguous(interfaces);
  const dns = image.community.dns.servers;
  return {
    interfaces,
    defaults: {
      method: "dhcp",
      ...(choices[0] ? { interface: choices[0].name } : {}),
      ...(dns.length ? { dns } : {}),
    },
    choices: { interface: choices.map(({ name, mac }) => ({ value: name, label: `${name} (${mac})` })) },
    hidden: choices.length === 0 ? ["interface"] : [],
  };
}
