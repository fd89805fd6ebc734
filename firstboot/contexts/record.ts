// SPDX-License-Identifier: GPL-3.0-or-later
// How the box was divided, stored in /etc/community-box/contexts.json: for all programs and users of the box, without
// starting Incus.

import { parseJson } from "../../common/json.ts";
import { type Box, writeIfChanged } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import type { NoContexts, Plan, Resources } from "./plan.ts";

/** The division, or why the box has no contexts. */
export type ContextsRecord =
  | { readonly none: NoContexts; readonly box: Resources }
  | (Plan & {
      readonly box: Resources;
      readonly cpuPercent: number;
      /** Each context has its own storage pool; absent on a box from an older image with a shared one. */
      readonly pools?: "own";
    });

export async function readRecord(box: Pick<Box, "readFile">): Promise<ContextsRecord | undefined> {
  return parseJson<ContextsRecord | undefined>((await box.readFile(paths.contexts)) ?? "", undefined);
}

export async function writeRecord(box: Box, record: ContextsRecord): Promise<void> {
  await writeIfChanged(box, paths.contexts, `${JSON.stringify(record, undefined, 2)}\n`);
}
