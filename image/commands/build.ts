// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox build PROFILE`: makes the image, and prints its path and size. `--all`: those of every profile.

import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";
import { say, sayLines } from "../../common/say.ts";
import { type BuildResult, build } from "../build.ts";
import { cacheDir } from "../cache/directory.ts";
import { requireChecks } from "../doctor/index.ts";
import { interruption } from "../host/interrupt.ts";
import { PROJECT } from "../host/paths.ts";
import { createSession } from "../host/session.ts";
import { resolveProfile } from "../profile/index.ts";
import { buildAll } from "./build-all.ts";

export interface BuildCommandOptions {
  readonly all?: boolean;
  readonly out?: string;
  readonly release?: boolean;
  /** Both: say what would be made, and why, and make nothing. */
  readonly explain?: boolean;
  readonly dryRun?: boolean;
  readonly updateLock?: boolean;
  readonly mirror?: string;
  readonly community?: string;
  readonly signKey?: string;
}

/** Where a profile's image goes unless `--out` says otherwise. */
export const defaultOut = (profileId: string) => join(PROJECT, "out", profileId);

/** As typed: one profile, or all. */
export async function buildCommands(
  profileId: string | undefined,
  { all, ...options }: BuildCommandOptions,
): Promise<void> {
  if ((profileId === undefined) !== (all === true)) {
    fail({
      code: "usage",
      what: profileId ? "Say either a profile or --all." : "Say which profile to build, or --all.",
      found: `./cbox build${profileId ? ` ${profileId}` : ""}${all ? " --all" : ""}`,
      hint: "./cbox profiles",
      exitCode: 2,
    });
  }
  if (profileId) await buildCommand(profileId, options);
  else {
    const outOf = (id: string) => (options.out ? { out: join(options.out, id) } : {});
    await buildAll((id) => buildCommand(id, { ...options, ...outOf(id) }));
  }
}

export async function buildCommand(profileId: string, options: BuildCommandOptions): Promise<BuildResult> {
  const out = options.out ?? defaultOut(profileId);
  const dryRun = options.explain === true || options.dryRun === true;
  if (!dryRun) {
    await requireChecks("build", resolveProfile(profileId), { out, mirror: options.mirror });
  }
  const session = createSession({ logDirectory: join(cacheDir(), "log", profileId), signal: interruption() });
  const started = performance.now();
  const { out: _, ...rest } = options;
  const { form } = resolveProfile(profileId);
  const community = options.community ?? "guifi";
  const result = await build(session, profileId, { ...rest, dryRun, out, community });
  for (const [layer, why] of result.reasons)
    say(`${layer}: ${dryRun ? "would be made" : "made"}, ${why.join("; ")}`);
  if (dryRun && result.reasons.size === 0) say("Nothing would be made: all of it is there.");
  if (dryRun || !result.manifest) return result;
  const { image, lock_drift } = result.manifest;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  sayLines(
    [
      result.built ? `Built in ${seconds} s:` : `Nothing changed since the last build (${seconds} s):`,
      `  ${printable(join(out, image.file))}`,
      `  ${megabytes(image.size)} packed, ${megabytes(image.raw_size)} unpacked, SHA-256 of that ${image.raw_sha256.slice(0, 16)}…`,
      ...(lock_drift.length > 0
        ? [`  ${lock_drift.length} package(s) differ from the lock file, see manifest.json`]
        : []),
      NEXT[form] ?? `Try it: ./cbox boot ${profileId}`,
    ].join("\n"),
  );
  return result;
}

/** What to do with it, where that is not to start it. */
const NEXT: Readonly<Record<string, string>> = {
  container: "How to start it: docs/boxes/container-amd64.md",
  convert: "How to bring it onto the machine: docs/guides/converting.md",
};

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
