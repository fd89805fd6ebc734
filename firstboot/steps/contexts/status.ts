// SPDX-License-Identifier: GPL-3.0-or-later
// The state of the contexts, without starting Incus: the plan from the record, the use from the kernel.

import type { Value } from "../../../common/json.ts";
import { CONTEXTS } from "../../contexts/names.ts";
import type { NoContexts } from "../../contexts/plan.ts";
import { SEPARATE } from "../../contexts/pools.ts";
import { readRecord } from "../../contexts/record.ts";
import { gib } from "../../contexts/set-up.ts";
import { readUse } from "../../contexts/usage.ts";
import type { Box } from "../../host/box.ts";
import type { StepStatus } from "../../setup/step.ts";

/** For programs. */
const REASONS: Readonly<Record<NoContexts, string>> = {
  container: "container",
  engine: "no-incus",
  memory: "too-little-memory",
  disk: "too-little-disk",
};
const DOWN = {
  key: "status.contexts.down",
  values: { command: "sudo systemctl start cbox-start-contexts" },
} as const;
const SHARED = { key: "status.contexts.shared", values: { command: SEPARATE } } as const;
const SET_UP = "sudo cbox contexts setup";

export async function status(box: Box): Promise<StepStatus> {
  const record = await readRecord(box);
  if (!record) {
    return {
      state: "off",
      rows: [],
      advice: { key: "status.contexts.off", values: { command: SET_UP } },
      data: { reason: "not-set-up" },
    };
  }
  if ("none" in record) {
    const key = `status.contexts.none-${record.none}` as const;
    return {
      state: "off",
      rows: [],
      advice: { key, values: {} },
      data: { reason: REASONS[record.none] },
    };
  }
  const found = await Promise.all(
    CONTEXTS.map(async (id) => ({ id, limits: record[id], use: await readUse(box, id) })),
  );
  const isWell = found.every(({ use }) => use !== undefined);
  const hasOwnPools = record.pools === "own";
  return {
    state: isWell ? "works" : "trouble",
    rows: found.map(({ id, limits, use }) => ({
      label: `status.contexts.${id}`,
      value: `${use ? `${use.memoryMib}/` : "- /"}${limits.memoryMib} MiB, ${limits.cpus}/${record.box.cpus} CPU, ${gib(limits.diskMib)} GiB`,
    })),
    ...(isWell && hasOwnPools ? {} : { advice: isWell ? SHARED : DOWN }),
    data: {
      ...Object.fromEntries(
        found.map(({ id, limits, use }): [string, Value] => [
          id,
          { running: use !== undefined, limits: { ...limits }, use: use ? { ...use } : null },
        ]),
      ),
      pools: hasOwnPools ? "own" : "shared",
    },
  };
}
