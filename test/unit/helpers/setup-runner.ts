// SPDX-License-Identifier: GPL-3.0-or-later
// A set-up by an answers file on a box in memory.

import type { ImageInfo } from "../../../firstboot/host/image-info.ts";
import { openLog } from "../../../firstboot/host/log.ts";
import { SetupRunner } from "../../../firstboot/setup/runner.ts";
import type { Step } from "../../../firstboot/setup/step.ts";
import { steps as allSteps } from "../../../firstboot/steps/index.ts";
import { ANSWERS_FILE, type FakeBox, IMAGE, rsaKey, VALID_ANSWERS } from "./fake-box.ts";

/** With everything in it that the steps can do without a server. */
export const ANSWERS_WITH_VPN = `${VALID_ANSWERS}vpn:
  join: true
  bundle:
    name: can_bruixa
    address: 10.228.0.7/24
    mode: switch
    hosts:
      - name: gateway
        address: 10.139.40.85
        subnets: [10.228.0.1]
        key: ${JSON.stringify(rsaKey(1).publicKey)}
`;

export interface RunnerOptions {
  readonly image?: ImageInfo;
  readonly steps?: readonly Step[];
}

/** The steps of this box, not started yet: by the answers file that is there, or where it was when the power went. */
export function openRunner(
  box: FakeBox,
  { image = IMAGE, steps = allSteps }: RunnerOptions = {},
): Promise<SetupRunner> {
  return SetupRunner.open({ box, image, steps, log: openLog(box) });
}

/** Puts the answers file on the box, and starts. */
export async function startRunner(
  box: FakeBox,
  answers: string,
  options: RunnerOptions = {},
): Promise<SetupRunner> {
  box.files.set(ANSWERS_FILE, answers);
  const runner = await openRunner(box, options);
  runner.start();
  return runner;
}
