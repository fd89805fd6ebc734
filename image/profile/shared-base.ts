// SPDX-License-Identifier: GPL-3.0-or-later
// The base layer is made once for a release and architecture: all profiles of it have to name the same packages for
// it.
import { fail } from "../../common/fail.ts";
import type { ResolvedProfile } from "./resolve.ts";

/**
 * The packages of the base layer that these profiles, all of one release and architecture, share; undefined where none
 * of them has a base layer, since an installed machine that is converted has its own system.
 * @throws Failure `base-packages-differ`
 */
export function sharedBase(profiles: readonly ResolvedProfile[]): readonly string[] | undefined {
  const groups = new Map<string, ResolvedProfile[]>();
  for (const profile of profiles) {
    if (profile.form === "convert") continue;
    const names = [...profile.base_packages].sort().join(" ");
    groups.set(names, [...(groups.get(names) ?? []), profile]);
  }
  // The packages that most of them name are taken as right.
  const [[most] = [], [odd] = []] = [...groups.values()].sort((a, b) => b.length - a.length);
  if (!most || !odd) return most?.base_packages;
  const more = odd.base_packages.filter((name) => !most.base_packages.includes(name));
  const less = most.base_packages.filter((name) => !odd.base_packages.includes(name));
  return fail({
    code: "base-packages-differ",
    what: `The profiles "${odd.id}" and "${most.id}" share one base layer (${odd.release}, ${odd.architecture}), but do not name the same base_packages.`,
    found: [
      ...(more.length > 0 ? [`${odd.id} has also ${more.join(", ")}`] : []),
      ...(less.length > 0 ? [`${odd.id} lacks ${less.join(", ")}`] : []),
    ].join("; "),
    hint: `take base_packages out of ${odd.id}.yaml; what only this board needs is named under packages`,
  });
}
