// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox system`: what the box is called, who looks after it, and whether its SSH server answers.

import type { Box } from "../../box.ts";
import { readChoices } from "../../choices.ts";
import type { ImageInfo } from "../../image-info.ts";
import { isListening } from "../../world.ts";
import type { StepStatus } from "../step.ts";

const SSH_PORT = 22;

export async function status(box: Box, image: ImageInfo): Promise<StepStatus> {
  const { owner = "", language = "", timezone = "" } = await readChoices(box);
  const hostname = ((await box.readFile("/etc/hostname")) ?? "").trim();
  const isReachable = await isListening(box, SSH_PORT);
  // A converted machine may well do without SSH: that is its owner's choice.
  const isWell = isReachable || image.converted === true;
  return {
    state: isWell ? "works" : "trouble",
    rows: [
      { label: "label.system.hostname", value: hostname },
      { label: "label.system.owner.name", value: owner },
      { label: "label.system.timezone", value: timezone },
    ],
    ...(isWell ? {} : { advice: { key: "trouble.ssh-not-listening", values: {} } as const }),
    data: { hostname, owner, language, timezone, ssh: isReachable },
  };
}
