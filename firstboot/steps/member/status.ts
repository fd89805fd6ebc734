// SPDX-License-Identifier: GPL-3.0-or-later
// The member who maintains the box, for `cbox status`.

import { readRegistration } from "../../guifi/store.ts";
import type { Box } from "../../host/box.ts";
import type { StepStatus } from "../../setup/step.ts";
import { wasSkipped } from "../was-passed.ts";

export async function status(box: Box): Promise<StepStatus> {
  const { member: kept } = await readRegistration(box);
  const data = { name: kept?.name ?? null, confirmed_by: kept?.confirmed_by ?? null };
  if (kept) return { state: "works", rows: [{ label: "label.member.username", value: kept.name }], data };
  return {
    state: (await wasSkipped(box, "member")) ? "trouble" : "off",
    rows: [],
    advice: { key: "status.member.later", values: { command: "cbox member setup" } },
    data,
  };
}
