// SPDX-License-Identifier: GPL-3.0-or-later
// The build, read top to bottom like the manual: resolve -> base -> rootfs, beside them context -> dress ->
// disk (or the archive of a container, or the file that converts a machine) -> publish -> verify.
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { takeBuildLock } from "./cache/build-lock.ts";
import { codeOf } from "./cache/code-of.ts";
import { changes, type Layer, type LayerInputs, layerKey } from "./cache/layers.ts";
import { enableForeign } from "./debian/binfmt.ts";
import { identityOf, pinsOf } from "./debian/lock.ts";
import { CONTEXT_SET, profileSet } from "./debian/package-sets.ts";
import { openDiskTools } from "./disk/tools.ts";
import type { Session } from "./host/session.ts";
import { conversionInputs } from "./outputs/conversion.ts";
import { giveForm } from "./outputs/index.ts";
import { type Manifest, readManifest } from "./published/manifest.ts";
import { sign } from "./published/signature.ts";
import { layOutPool, planPool, poolPins, SERVICES_SETS } from "./services/pool.ts";
import { base, baseInputs } from "./stages/base.ts";
import { context, contextInputs } from "./stages/context.ts";
import { dress } from "./stages/dress.ts";
import { publish, UNVERIFIED } from "./stages/publish.ts";
import { dressInputs, resolve } from "./stages/resolve.ts";
import { rootfs, rootfsInputs } from "./stages/rootfs.ts";
import { openWorkspace } from "./stages/workspace.ts";

/** What dresses, packs and describes an image, beside the layers. */
const IMAGE_CODE = ["stages/dress.ts", "outputs/index.ts", "disk/tools.ts", "stages/publish.ts"].map(
  (path) => `image/${path}`,
);

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
  const workspace = openWorkspace({
    session,
    mirror: options.mirror,
    preview: options.dryRun ?? false,
    lock: options.updateLock ? "update" : options.release ? "strict" : "use",
    ...(options.cache ? { cache: options.cache } : {}),
    ...(options.profiles ? { profiles: options.profiles } : {}),
  });
  const plan = await session.stage("resolve", "resolve: profile, community, overlays, first boot", async () =>
    resolve(profileId, { profiles: options.profiles, community: options.community }),
  );
  const { profile } = plan;
  // What is converted has a system already.
  const isConversion = profile.form === "convert";
  const unlock = takeBuildLock(join(workspace.cache, "build.lock"));
  try {
    const packages = await session.stage(
      "packages",
      "packages: the lock file and the local store",
      async () =>
        workspace.packages(profile.release, profile.architecture, [
          "tools",
          "base",
          CONTEXT_SET,
          ...Object.values(SERVICES_SETS),
          profileSet(profile.id),
        ]),
    );
    const { epoch } = packages.lock;
    const mirror = await workspace.mirror();
    const baseKey = layerKey(baseInputs(plan, packages));
    const rootfsKey = layerKey(rootfsInputs(plan, packages, baseKey));
    // What is in a container already is not divided further; some Debians have nothing to divide a box with.
    const haveContexts = profile.form !== "container" && profile.contexts !== "none";
    const contextKey = layerKey(contextInputs(plan, packages, mirror));
    const possible = poolPins(packages, profileSet(profile.id), CONTEXT_SET);
    const { pins: pool, costs } = await planPool(packages, possible, plan.catalogue, profile.architecture);
    const poolVersions = identityOf(pool);
    const imageInputs: LayerInputs = {
      code: codeOf(...IMAGE_CODE),
      profile: flatten(profile),
      community: flatten(plan.community),
      version: plan.version,
      ...(isConversion
        ? { "package it brings": packages.identity(profileSet(profile.id)), ...(await conversionInputs()) }
        : { rootfs: rootfsKey }),
      ...(haveContexts ? { context: contextKey } : {}),
      "packages of services": poolVersions,
      overlays: dressInputs(plan),
      mirror: { ...mirror },
      epoch,
    };
    const inputsKey = layerKey(imageInputs);
    const imageStore = join(workspace.cache, "images");
    const previous = await readManifest(options.out);
    const upToDate =
      previous?.inputs_key === inputsKey &&
      previous.release_build === (options.release ?? false) &&
      [previous.image, previous.qcow2].every((one) => !one || existsSync(join(options.out, one.file)));

    const imageReasons = previous ? changes(previous.inputs ?? {}, imageInputs) : ["no image yet"];
    const signChecksums = async () => {
      if (options.signKey) await sign(session, options.signKey, join(options.out, "SHA256SUMS"));
    };

    if (options.dryRun) {
      const reasons = new Map<string, readonly string[]>();
      const explain = async (kind: string, inputs: LayerInputs) => {
        const why = await workspace.layers.explain(kind, inputs);
        if (why) reasons.set(kind, why);
      };
      const common = `${profile.release}-${profile.architecture}`;
      if (!isConversion) {
        await explain(`base-${common}`, baseInputs(plan, packages));
        await explain(`rootfs-${profile.id}`, rootfsInputs(plan, packages, baseKey));
      }
      if (haveContexts) await explain(`context-${common}`, contextInputs(plan, packages, mirror));
      if (!upToDate) reasons.set("image", imageReasons);
      return { manifest: previous, reasons, built: false };
    }
    if (upToDate) {
      await signChecksums();
      return { manifest: previous, reasons: new Map(), built: false };
    }

    const tools = await session.stage("tools", "tools: disk programs of the release", () =>
      workspace.tools(),
    );
    const diskTools = openDiskTools(session.run, tools.root, epoch);
    await enableForeign(session, profile.architecture);
    const makeSystem = async (): Promise<readonly Layer[]> => {
      if (isConversion) return [];
      const below = await session.stage("base", "base: common packages (mmdebstrap)", () =>
        base(workspace, plan, packages),
      );
      const layer = await session.stage("rootfs", "rootfs: kernel, packages, hooks (live-build)", () =>
        rootfs(workspace, plan, packages, below),
      );
      return [below, layer];
    };
    const makeTemplate = async () =>
      haveContexts
        ? session.stage("context", "context: the template of contexts and slivers", () =>
            context(workspace, plan, packages, mirror, diskTools),
          )
        : undefined;
    const [system, template] = await session.together([makeSystem, makeTemplate]);
    const layer = system.at(-1);

    const work = join(workspace.cache, "work", profile.id);
    const root = join(work, "root");
    const bootFiles = await session.stage("dress", "dress: overlays, first boot, identity out", () =>
      dress(session, {
        plan,
        ...(layer ? { layer } : {}),
        ...(template ? { context: template } : {}),
        pool: (target) => layOutPool(packages, pool, target, epoch),
        mirror,
        epoch,
        target: root,
      }),
    );
    const form = await giveForm({
      ...{ session, plan, tools: diskTools, root, bootFiles, work, imageStore, seed: inputsKey, epoch },
      packages,
    });
    const manifest = await session.stage("publish", "publish: pack, SBOM, checksums", () =>
      publish(session, {
        plan,
        pack: form.pack,
        ...(layer ? { root } : { brought: pinsOf(packages.lock, profileSet(profile.id)) }),
        ...(template ? { context: template.root } : {}),
        pool,
        services: costs,
        out: options.out,
        release: options.release ?? false,
        inputs: imageInputs,
        epoch,
        packages: {
          ...poolVersions,
          ...(template ? packages.identity(CONTEXT_SET) : {}),
          ...packages.identity(profileSet(profile.id)),
        },
        drift: packages.drift,
      }),
    );
    await session.stage("verify", "verify: the finished image, opened again", async () => {
      const packed = join(options.out, manifest.image.file);
      try {
        await form.verify(manifest, packed);
      } catch (error) {
        // An image that did not pass is not left where it could be taken for a good one.
        const files = [manifest.image, manifest.qcow2].flatMap((one) =>
          one ? [join(options.out, one.file)] : [],
        );
        for (const file of [join(options.out, UNVERIFIED), ...files, ...form.leftovers(manifest)])
          await rm(file, { force: true });
        throw error;
      }
      await rename(join(options.out, UNVERIFIED), join(options.out, "manifest.json"));
    });
    await signChecksums();
    await rm(work, { recursive: true, force: true });
    const layers = [...system, ...(template ? [template] : [])];
    const made = layers.filter((one) => one.reasons.length > 0);
    const reasons = new Map(made.map((one) => [one.kind, one.reasons]));
    return { manifest, reasons: reasons.set("image", imageReasons), built: true };
  } finally {
    unlock();
  }
}

/** Nested data as `path -> value`, so that a change can be named by its path. */
function flatten(data: object): Record<string, string> {
  const entries = Object.entries(data).flatMap(([key, value]): [string, string][] =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.entries(flatten(value)).map(([below, leaf]) => [`${key}.${below}`, leaf])
      : [[key, JSON.stringify(value)]],
  );
  return Object.fromEntries(entries);
}
