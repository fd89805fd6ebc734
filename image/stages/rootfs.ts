// SPDX-License-Identifier: GPL-3.0-or-later
// Stage "rootfs": the base plus the profile's kernel, packages and hooks, installed by live-build's chroot stage.
import { rm } from "node:fs/promises";
import { codeOf } from "../cache/code-of.ts";
import type { Layer, LayerInputs, LayerPlan } from "../cache/layers.ts";
import { liveBuild, takeChroot } from "../debian/live-build.ts";
import { kernelOf, profileSet } from "../debian/package-sets.ts";
import type { Packages } from "../debian/packages.ts";
import { normalize } from "./normalize.ts";
import type { Plan } from "./resolve.ts";
import { scrub } from "./scrub.ts";
import type { Workspace } from "./workspace.ts";

/** `baseKey`: key of the layer that it continues. */
export function rootfsLayer(plan: Plan, packages: Packages, baseKey: string): LayerPlan {
  return { kind: `rootfs-${plan.profile.id}`, inputs: inputsOf(plan, packages, baseKey) };
}

function inputsOf(plan: Plan, packages: Packages, baseKey: string): LayerInputs {
  return {
    code: codeOf("image/stages/rootfs.ts"),
    base: baseKey,
    "package list": packagesOf(plan),
    "package version": packages.identity(profileSet(plan.profile.id)),
    hook: Object.fromEntries(plan.hooks.map((hook) => [hook.target, hook.sha256])),
    "initramfs modules": plan.profile.kernel.initramfs_modules,
    ...(Object.keys(plan.before).length > 0 ? { "file laid before": plan.before } : {}),
    epoch: packages.lock.epoch,
  };
}

export async function rootfs(
  workspace: Workspace,
  plan: Plan,
  packages: Packages,
  base: Layer,
): Promise<Layer> {
  const { session } = workspace;
  const { id, release, architecture } = plan.profile;
  const { epoch } = packages.lock;
  const modules = plan.profile.kernel.initramfs_modules;
  const { kind, inputs } = rootfsLayer(plan, packages, base.key);
  return workspace.layers.obtain(kind, inputs, async (root) => {
    const repository = `${root}.repository`;
    const directory = `${root}.live-build`;
    await packages.repository(profileSet(id), repository);
    await liveBuild({
      session,
      release,
      architecture,
      repository,
      base: base.root,
      packages: packagesOf(plan),
      filesBefore: {
        "usr/share/initramfs-tools/modules.d/community-box": `${modules.join("\n")}\n`,
        ...plan.before,
      },
      hooks: plan.hooks.map((hook) => hook.source),
      epoch,
      directory,
    });
    await takeChroot(directory, root, epoch);
    await rm(repository, { recursive: true });
    await scrub(session, root, epoch);
    const { sets, packages: pins } = packages.lock;
    await normalize(session, { root, epoch, set: sets[profileSet(id)]!, packages: pins, architecture });
  });
}

function packagesOf(plan: Plan): string[] {
  return [...kernelOf(plan.profile), ...plan.profile.packages];
}
