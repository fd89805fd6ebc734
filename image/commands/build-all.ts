// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox build --all`: every profile, one after the other. What fails does not stop the rest; the table at the end
// says how each went, and what it took from the ones before.

import { describeFailure, Failure, fail } from "../../common/fail.ts";
import { say, sayError, sayLines } from "../../common/say.ts";
import type { BuildResult } from "../build.ts";
import { interruption } from "../host/interrupt.ts";
import { table } from "../host/table.ts";
import { listProfiles } from "../profile/index.ts";

/** How one profile went. */
export interface Outcome {
  readonly profile: string;
  readonly seconds: number;
  readonly result?: BuildResult;
  readonly failure?: Failure;
}

/**
 * @param buildOne builds a profile and says so on the terminal.
 * @throws Failure `builds-failed`, naming the profiles
 */
export async function buildAll(buildOne: (profileId: string) => Promise<BuildResult>): Promise<void> {
  const profiles = listProfiles().filter(({ abstract }) => !abstract);
  const outcomes: Outcome[] = [];
  for (const { id, problem } of profiles) {
    say("");
    say(`== ${id}`);
    const started = performance.now();
    const outcome = problem ? { failure: problem } : await attempt(() => buildOne(id));
    if (interruption().aborted && outcome.failure) throw outcome.failure;
    if (outcome.failure) sayError(describeFailure(outcome.failure));
    outcomes.push({ profile: id, seconds: (performance.now() - started) / 1000, ...outcome });
  }
  sayLines(`\n${describeOutcomes(outcomes)}`);
  const failed = outcomes.filter(({ failure }) => failure);
  if (failed.length === 0) return;
  fail({
    code: "builds-failed",
    what: `${failed.length} of ${outcomes.length} images could not be built; the others are good.`,
    found: failed.map(({ profile, failure }) => `${profile} [${failure?.code}]`).join(", "),
    hint: `./cbox build ${failed[0]?.profile}`,
  });
}

async function attempt(work: () => Promise<BuildResult>): Promise<Pick<Outcome, "result" | "failure">> {
  try {
    return { result: await work() };
  } catch (error) {
    if (error instanceof Failure) return { failure: error };
    throw error;
  }
}

/** One line a profile: time, size of the packed image, and which layers were there already. */
export function describeOutcomes(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ profile, seconds, result, failure }) => [
    profile,
    `${seconds.toFixed(0)} s`,
    result?.manifest ? `${(result.manifest.image.size / 1e6).toFixed(0)} MB` : "-",
    failure ? `failed [${failure.code}]` : reused(result),
  ]);
  return table([["profile", "time", "image", "taken from the cache"], ...rows]);
}

function reused(result: BuildResult | undefined): string {
  if (!result?.built) return "everything: nothing changed";
  const made = [...result.reasons.keys()];
  const { rootfs, context } = result.manifest?.inputs ?? {};
  const layers = [...(rootfs ? ["base", "rootfs"] : []), ...(context ? ["context"] : [])];
  const kept = layers.filter((layer) => !made.some((kind) => kind.startsWith(`${layer}-`)));
  return kept.join(", ") || "nothing";
}
