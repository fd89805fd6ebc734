// SPDX-License-Identifier: GPL-3.0-or-later
// The facts about an image that the box reads from it, beside the community's settings.
import type { loadCommunity, ResolvedProfile } from "./index.ts";

interface FactsOf {
  readonly profile: ResolvedProfile;
  readonly community: ReturnType<typeof loadCommunity>;
  readonly version: string;
}

/** The facts that first boot reads in `/usr/lib/community-box/image.json`. */
export function imageFacts(plan: FactsOf, built: string) {
  const { profile, community, version } = plan;
  const { id, form, title, architecture, release } = profile;
  return {
    version,
    built,
    profile: { id, title, architecture, release },
    consoles: profile.consoles.map(({ device, speed }) => ({ device, ...(speed ? { speed } : {}) })),
    boot_mount: profile.boot.mount,
    install: profile.install,
    contexts: profile.contexts,
    ...(form === "convert" ? { converted: true } : {}),
    ...(form === "container" ? { container: true } : {}),
    memory_mib: profile.memory_mib,
    disk: profile.disk,
    community,
  };
}
