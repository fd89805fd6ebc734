// SPDX-License-Identifier: GPL-3.0-or-later
// Stage "base": release x architecture x common packages, shared by every profile of an architecture. It is
// live-build's bootstrap cache, filled by mmdebstrap because that is faster and needs no emulation to unpack.
import { rm } from "node:fs/promises";
import { codeOf } from "../cache/code-of.ts";
import type { Layer, LayerInputs, LayerPlan } from "../cache/layers.ts";
import { mmdebstrap } from "../debian/mmdebstrap.ts";
import type { Packages } from "../debian/packages.ts";
import type { Plan } from "./resolve.ts";
import type { Workspace } from "./workspace.ts";

/**
 * Excludes manuals, and translations other than the box's three languages, now and on upgrades, since they take a
 * fourth of a small card. Copyright files are kept.
 */
export const DPKG_OPTIONS = [
  "path-exclude=/usr/share/doc/*",
  "path-include=/usr/share/doc/*/copyright",
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/info/*",
  "path-exclude=/usr/share/lintian/*",
  "path-exclude=/usr/share/locale/*",
  "path-include=/usr/share/locale/ca/*",
  "path-include=/usr/share/locale/es/*",
  "path-include=/usr/share/locale/locale.alias",
];

export function baseLayer(plan: Plan, packages: Packages): LayerPlan {
  const { release, architecture } = plan.profile;
  return { kind: `base-${release}-${architecture}`, inputs: inputsOf(plan, packages) };
}

function inputsOf(plan: Plan, packages: Packages): LayerInputs {
  return {
    code: codeOf("image/stages/base.ts"),
    release: plan.profile.release,
    architecture: plan.profile.architecture,
    "package list": plan.profile.base_packages,
    "package version": packages.identity("base"),
    "dpkg options": DPKG_OPTIONS,
    epoch: packages.lock.epoch,
  };
}

export async function base(workspace: Workspace, plan: Plan, packages: Packages): Promise<Layer> {
  const { session } = workspace;
  const { release, architecture, base_packages } = plan.profile;
  const { kind, inputs } = baseLayer(plan, packages);
  return workspace.layers.obtain(kind, inputs, async (root) => {
    const repository = `${root}.repository`;
    await packages.repository("base", repository);
    await mmdebstrap({
      session,
      repository,
      release,
      architecture,
      packages: base_packages,
      variant: "apt",
      target: root,
      epoch: packages.lock.epoch,
      dpkgOptions: DPKG_OPTIONS,
    });
    await rm(repository, { recursive: true });
  });
}
