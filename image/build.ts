// SPDX-License-Identifier: GPL-3.0-or-later
// The build: finds out what it would make (build-job.ts), and runs its stages (build-stages.ts) unless that image
// exists.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createJob, isUpToDate } from "./build-job.ts";
import { type BuildMade, STAGES } from "./build-stages.ts";
import { takeBuildLock } from "./cache/build-lock.ts";
import { changes } from "./cache/layers.ts";
import type { Session } from "./host/session.ts";
import type { Manifest } from "./published/manifest.ts";
import { sign } from "./published/signature.ts";
import { resolve } from "./stages/resolve.ts";
import { type BuildJob, runStages } from "./stages/stage.ts";
import { openWorkspace } from "./stages/workspace.ts";

export interface BuildOptions {
  readonly out: string;
  readonly community: string;
  readonly release?: boolean;
  readonly updateLock?: boolean;
  readonly mirror?: string | undefined;
  readonly signKey?: string | undefined;
  /** Replaces the cache directory (the store of downloaded packages stays shared). */
  readonly cache?: string;
  readonly profiles?: string;
  /** Says what would be done, and why, and stops there. */
  readonly dryRun?: boolean;
}

export interface BuildResult {
  readonly manifest: Manifest | undefined;
  /** Why each layer was (or would be) made; layers that came from the cache are absent. */
  readonly reasons: ReadonlyMap<string, readonly string[]>;
  /** False when the image was there already. */
  readonly built: boolean;
}

export async function build(
  session: Session,
  profileId: string,
  options: BuildOptions,
): Promise<BuildResult> {
  const { out, release: isRelease = false, dryRun = false } = options;
  const workspace = openWorkspace({
    session,
    mirror: options.mirror,
    preview: dryRun,
    lock: options.updateLock ? "update" : isRelease ? "strict" : "use",
    ...(options.cache ? { cache: options.cache } : {}),
    ...(options.profiles ? { profiles: options.profiles } : {}),
  });
  const plan = await session.stage("resolve", "resolve: profile, community, overlays, first boot", () =>
    resolve(profileId, { profiles: options.profiles, community: options.community }),
  );
  const unlock = takeBuildLock(join(workspace.cache, "build.lock"));
  try {
    const job = await createJob(session, workspace, plan, { out, isRelease });
    const stages = STAGES.filter((stage) => stage.isPartOf?.(job) ?? true);
    const isThere = isUpToDate(job);
    if (dryRun) return { manifest: job.previous, reasons: await explain(job, isThere), built: false };
    const made: BuildMade = isThere ? {} : await runStages(stages, job, {});
    if (options.signKey) await sign(session, options.signKey, join(out, "SHA256SUMS"));
    if (isThere) return { manifest: job.previous, reasons: new Map(), built: false };
    await rm(job.work, { recursive: true, force: true });
    return { manifest: made.manifest, reasons: reasonsOf(job, made), built: true };
  } finally {
    unlock();
  }
}

/** Why each layer and the image would be made. */
async function explain(job: BuildJob, isThere: boolean): Promise<Map<string, readonly string[]>> {
  const reasons = new Map<string, readonly string[]>();
  for (const stage of STAGES) {
    const layer = stage.layer?.(job);
    const why = layer && (await job.workspace.layers.explain(layer.kind, layer.inputs));
    if (layer && why) reasons.set(layer.kind, why);
  }
  return isThere ? reasons : reasons.set("image", imageReasons(job));
}

function reasonsOf(job: BuildJob, { base, rootfs, context }: BuildMade): Map<string, readonly string[]> {
  const layers = [base, rootfs, context].flatMap((layer) => (layer?.reasons.length ? [layer] : []));
  return new Map(layers.map(({ kind, reasons }) => [kind, reasons])).set("image", imageReasons(job));
}

function imageReasons({ previous, inputs }: BuildJob): readonly string[] {
  return previous ? changes(previous.inputs ?? {}, inputs) : ["no image yet"];
}
