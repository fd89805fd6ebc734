// SPDX-License-Identifier: GPL-3.0-or-later
// What a profile asks of the archive, as one set of the lock file.

import type { ResolvedProfile } from "../profile/index.ts";
import { ESSENTIAL } from "./packages.ts";

/** live-build installs and removes this while it reads its package lists. */
const LIVE_BUILD_NEEDS = ["dctrl-tools"];

/** Name of the package set of one profile in the lock file. */
export const profileSet = (id: string) => `profile:${id}`;
/** The kernel package, where there is one. */
export const kernelOf = ({ kernel }: ResolvedProfile) => (kernel.package ? [kernel.package] : []);
export const profileRequest = (profile: ResolvedProfile) => [
  ...ESSENTIAL,
  ...profile.base_packages,
  ...kernelOf(profile).map((name) => (profile.kernel.suite ? `${name}/${profile.kernel.suite}` : name)),
  ...profile.packages,
  ...(profile.form === "convert" ? [] : LIVE_BUILD_NEEDS),
];
