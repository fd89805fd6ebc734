// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies "contexts": both run, Incus has the planned limits, and a command runs inside.

import { fail } from "../../../common/fail.ts";
import { get, instancesOf } from "../../contexts/incus.ts";
import { CONTEXTS, type ContextId, poolOf } from "../../contexts/names.ts";
import type { Limits } from "../../contexts/plan.ts";
import { poolMib, readPoolUse } from "../../contexts/pools.ts";
import { readRecord } from "../../contexts/record.ts";
import { sayFound } from "../../host/found-text.ts";
import type { StepTools, Warning } from "../../setup/step.ts";
import type { ContextsAnswers } from "./questions.ts";

/** Seconds until a started container has a working init. */
const TRIES = 60;

export async function verify(_answers: ContextsAnswers, tools: StepTools): Promise<Warning[]> {
  const record = await readRecord(tools.box);
  if (record && "none" in record) return [{ code: `contexts-none-${record.none}` }];
  if (!record)
    return fail({ code: "contexts-not-made", what: "The contexts have not been made.", hint: "Try again." });
  tools.progress("progress.contexts.verify");
  for (const id of CONTEXTS) {
    await checkLimits(tools, id, record[id]);
    if (record.pools === "own") await checkPool(tools, id, record[id]);
    await checkLife(tools, id);
  }
  return [];
}

async function checkLimits({ box }: StepTools, id: ContextId, limits: Limits): Promise<void> {
  const project = await get<{ config?: Record<string, string> }>(box, `/1.0/projects/${id}`);
  const expected: Record<string, string> = {
    "limits.memory": `${limits.memoryMib}MiB`,
    "limits.disk": `${limits.diskMib}MiB`,
    "limits.processes": String(limits.processes),
    "limits.instances": String(limits.instances),
  };
  const wrong = Object.entries(expected).filter(([key, value]) => project?.config?.[key] !== value);
  if (wrong.length === 0) return;
  fail({
    code: "contexts-limits",
    what: `The limits of the context "${id}" are not the planned ones.`,
    found: wrong.map(([key]) => `${key}=${project?.config?.[key] ?? "-"}`).join(", "),
    hint: "Try again; the log (l) has the details.",
  });
}

async function checkPool({ box }: StepTools, id: ContextId, limits: Limits): Promise<void> {
  const [made, planned] = [(await readPoolUse(box, id))?.sizeMib, poolMib(limits)];
  if (made === planned) return;
  fail({
    code: "contexts-limits",
    what: `The disk of the context "${id}" has not the planned size.`,
    ...sayFound("found.instead", { shown: `${poolOf(id)}: ${made ?? "-"} MiB`, kept: `${planned} MiB` }),
    hint: "Try again; the log (l) has the details.",
  });
}

async function checkLife({ box, signal }: StepTools, id: ContextId): Promise<void> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const { code, stdout } = await box.run("incus", [
      "exec",
      id,
      "--project",
      id,
      "--",
      "cat",
      "/etc/hostname",
    ]);
    if (code === 0 && stdout.trim() === id) return;
    await box.sleep(1000, signal);
  }
  const own = (await instancesOf(box, id)).find(({ name }) => name === id);
  fail({
    code: "context-silent",
    what: `The context "${id}" was started, but no command runs in it.`,
    ...(own
      ? sayFound("found.context-state", { state: own.status.toLowerCase() })
      : sayFound("found.context-none")),
    hint: "Try again; the log (l) has the details.",
  });
}
