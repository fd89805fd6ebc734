// SPDX-License-Identifier: GPL-3.0-or-later
// What is known of a build before any stage runs: packages, layers, the inputs of the image, and the existing image.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "./cache/code-of.ts";
import { type LayerInputs, type LayerPlan, layerKey } from "./cache/layers.ts";
import { identityOf } from "./debian/lock.ts";
import { CONTEXT_SET, profileSet } from "./debian/package-sets.ts";
import type { Packages } from "./debian/packages.ts";
import type { Session } from "./host/session.ts";
import { conversionInputs } from "./outputs/conversion.ts";
import { readManifest } from "./published/manifest.ts";
import { planPool, poolPins, SERVICES_SETS } from "./services/pool.ts";
import { baseLayer } from "./stages/base.ts";
import { contextLayer } from "./stages/context.ts";
import { customizeInputs, type Plan } from "./stages/resolve.ts";
import { rootfsLayer } from "./stages/rootfs.ts";
import type { BuildJob } from "./stages/stage.ts";
import type { Workspace } from "./stages/workspace.ts";

/** Modules that customize, pack and describe an image; layers have their own. */
const IMAGE_CODE = ["stages/customize.ts", "outputs/index.ts", "disk/tools.ts", "stages/publish.ts"].map(
  (path) => `image/${path}`,
);

export interface JobOptions {
  readonly out: string;
  readonly isRelease: boolean;
}

export async function createJob(
  session: Session,
  workspace: Workspace,
  plan: Plan,
  { out, isRelease }: JobOptions,
): Promise<BuildJob> {
  const { profile } = plan;
  const packages = await session.stage("packages", "packages: the lock file and the local store", () =>
    workspace.packages(profile.release, profile.architecture, [
      "tools",
      "base",
      CONTEXT_SET,
      ...Object.values(SERVICES_SETS),
      profileSet(profile.id),
    ]),
  );
  const mirror = await workspace.mirror();
  const possible = poolPins(packages, profileSet(profile.id), CONTEXT_SET);
  const { pins: pool, costs: services } = await planPool(
    packages,
    possible,
    plan.catalogue,
    profile.architecture,
  );
  const layers = layersOf(plan, packages, mirror);
  const inputs: LayerInputs = {
    code: codeOf(...IMAGE_CODE),
    profile: flatten(profile),
    community: flatten(plan.community),
    version: plan.version,
    ...(profile.form === "convert"
      ? { "package it brings": packages.identity(profileSet(profile.id)), ...(await conversionInputs()) }
      : {}),
    ...keysOf(layers),
    "packages of services": identityOf(pool),
    overlays: customizeInputs(plan),
    mirror: { ...mirror },
    epoch: packages.lock.epoch,
  };
  return {
    ...{ session, workspace, plan, packages, mirror, pool, services, layers, inputs, out, isRelease },
    key: layerKey(inputs),
    previous: await readManifest(out),
    work: join(workspace.cache, "work", profile.id),
    imageStore: join(workspace.cache, "images"),
  };
}

function layersOf(plan: Plan, packages: Packages, mirror: BuildJob["mirror"]): BuildJob["layers"] {
  const { profile } = plan;
  // What is in a container already is not divided further; some Debians have nothing to divide a box with.
  const haveContexts = profile.form !== "container" && profile.contexts !== "none";
  const context = haveContexts ? { context: contextLayer(plan, packages, mirror) } : {};
  if (profile.form === "convert") return context;
  const base = baseLayer(plan, packages);
  return { base, rootfs: rootfsLayer(plan, packages, layerKey(base.inputs)), ...context };
}

/** Of the layers that an image is made of; what is in the base decides the root file system's key. */
function keysOf({ rootfs, context }: BuildJob["layers"]): Record<string, string> {
  const key = (layer: LayerPlan | undefined) => (layer ? layerKey(layer.inputs) : undefined);
  const keys = Object.entries({ rootfs: key(rootfs), context: key(context) });
  return Object.fromEntries(keys.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Whether the image in `out` is the one that this build would make. */
export function isUpToDate({ previous, key, isRelease, out }: BuildJob): boolean {
  if (previous?.inputs_key !== key || previous.release_build !== isRelease) return false;
  return [previous.image, previous.qcow2].every((one) => !one || existsSync(join(out, one.file)));
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
