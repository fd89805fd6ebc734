// SPDX-License-Identifier: GPL-3.0-or-later
// All requirements on this machine. `cbox doctor` shows them; build, boot and lab require their part of them.
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { cacheDir } from "../cache/directory.ts";
import { PROJECT } from "../host/paths.ts";
import { type Host, thisHost } from "../host/this-host.ts";
import { listProfiles, type ResolvedProfile } from "../profile/index.ts";
import { listed } from "../profile/yaml-file.ts";
import type { Check, Circumstances, Finding, Purpose } from "./check.ts";
import { packageChecks } from "./packages.ts";
import { systemChecks } from "./system.ts";

export type { Check, Circumstances, Finding, Purpose } from "./check.ts";
export { kvmIsThere, kvmWorks } from "./kvm.ts";

export const checks: readonly Check[] = [...systemChecks, ...packageChecks()];

export interface Checkup {
  readonly check: Check;
  readonly finding: Finding;
}

/** Runs the checks that these circumstances need, side by side; the result is in the order of the checks. */
export function runChecks(
  list: readonly Check[],
  circumstances: Circumstances,
  host: Host = thisHost,
): Promise<readonly Checkup[]> {
  const { architectures } = circumstances;
  const needed = list.filter(
    ({ onlyFor }) => !onlyFor || onlyFor.some((name) => architectures.includes(name)),
  );
  return Promise.all(needed.map(async (check) => ({ check, finding: await check.run(host, circumstances) })));
}

/** Any profile of the project, built to the usual place. */
export function usualCircumstances(): Circumstances {
  const profiles = listProfiles().filter((profile) => !profile.abstract);
  return {
    cache: cacheDir(),
    out: join(PROJECT, "out"),
    architectures: [...new Set(profiles.flatMap((profile) => profile.architecture ?? []))],
    releases: [...new Set(profiles.flatMap((profile) => profile.release ?? []))],
  };
}

/**
 * Demands what a purpose needs, before anything is started.
 * @param mirror given by the person, so APT need not name one.
 * @throws Failure `host-not-ready`, naming what is missing and how to get it.
 */
export async function requireChecks(
  purpose: Purpose,
  profile?: Pick<ResolvedProfile, "architecture" | "release">,
  options: { readonly out?: string; readonly mirror?: string | undefined; readonly host?: Host } = {},
): Promise<void> {
  const usual = usualCircumstances();
  const circumstances: Circumstances = {
    cache: usual.cache,
    out: options.out ?? usual.out,
    architectures: profile ? [profile.architecture] : usual.architectures,
    releases: profile ? [profile.release] : usual.releases,
  };
  const needed = checks
    .filter((check) => check.neededFor.includes(purpose))
    .filter((check) => check.id !== "mirror" || !options.mirror);
  const lacks = (await runChecks(needed, circumstances, options.host)).filter(({ finding }) => !finding.ok);
  if (lacks.length === 0) return;
  fail({
    code: "host-not-ready",
    what: `This machine is not ready to ${WORDS[purpose]}: ${lacks.length === 1 ? "one thing is" : `${lacks.length} things are`} missing.`,
    found: listed(
      lacks.map(({ check, finding }) => `${check.title}: ${finding.detail}. Cure: ${finding.cure}`),
    ),
    hint: "do what each line says, then: ./cbox doctor",
  });
}

const WORDS: Readonly<Record<Purpose, string>> = {
  build: "build an image",
  boot: "boot an image",
  flash: "write an image to a disk",
  lab: "run the lab",
};
