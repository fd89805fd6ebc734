// SPDX-License-Identifier: GPL-3.0-or-later
// What the boot tests test: the newest image of a profile, as ./cbox build left it.

import { defaultOut } from "../../image/commands/build.ts";
import { type MachineProfile, machineOf, resolveProfile } from "../../image/profile/index.ts";
import { locateImage } from "../../image/published/locate-image.ts";
import { type DiskManifest, readManifest } from "../../image/published/manifest.ts";

export interface Subject {
  readonly profile: MachineProfile;
  readonly image: string;
  readonly manifest: DiskManifest;
}

/** @throws Failure `image-missing`, with the command that builds it */
export async function subject(profileId: string): Promise<Subject> {
  const out = defaultOut(profileId);
  const { path } = await locateImage(profileId, out);
  const profile = machineOf(resolveProfile(profileId));
  return { profile, image: path, manifest: (await readManifest(out)) as DiskManifest };
}
