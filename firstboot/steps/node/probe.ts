// SPDX-License-Identifier: GPL-3.0-or-later
// Values for the questions about the node, and whether they are asked: not without a member.

import type { Box } from "../../host/box.ts";
import { type ImageInfo, websiteName } from "../../host/image-info.ts";
import type { AllAnswers } from "../../setup/step.ts";
import { type MemberAnswers, signsIn } from "../member/questions.ts";
import type { NodeFacts } from "./check.ts";
import { PLAIN_CHOICES } from "./look-up.ts";
import { schema } from "./questions.ts";

export async function probe(_box: Box, image: ImageInfo, all: AllAnswers): Promise<NodeFacts> {
  const hasMember = signsIn((all.member ?? {}) as MemberAnswers);
  const { title, version, url } = image.community.licence;
  return {
    hasMember,
    defaults: { address_from: "auto" },
    choices: { address_from: PLAIN_CHOICES },
    texts: { id: { website: websiteName(image) }, accept_licence: { title, version, url } },
    // A box whose member signs in later is registered later.
    hidden: hasMember ? [] : Object.keys(schema.properties),
  };
}
