// SPDX-License-Identifier: GPL-3.0-or-later
// The catalogue as one profile wants it: which services are installed in its image, which lie in it as .deb files,
// and which are left to the network.
import { didYouMean } from "../../common/did-you-mean.ts";
import { fail } from "../../common/fail.ts";
import type { Service } from "../../common/service.ts";
import type { ResolvedProfile } from "../profile/index.ts";

/** The services with the sources of `profile.services`. Throws Failure `profile-services`. */
export function catalogueOf(profile: ResolvedProfile, catalogue: readonly Service[]): Service[] {
  const wanted = Object.entries(profile.services);
  const mistakes = wanted.flatMap(([id, source]) => mistakeIn(id, source, catalogue));
  if (mistakes.length) {
    fail({
      code: "profile-services",
      what: `The profile "${profile.id}" wants services otherwise than they can be.`,
      found: mistakes.join("; "),
      hint: `correct "services" of the profile: ./cbox profile show ${profile.id} --origin`,
    });
  }
  return catalogue.map((service) => ({ ...service, source: profile.services[service.id] ?? service.source }));
}

function mistakeIn(id: string, source: Service["source"], catalogue: readonly Service[]): string[] {
  const service = catalogue.find((each) => each.id === id);
  if (!service) {
    const guess = didYouMean(
      id,
      catalogue.map((each) => each.id),
    );
    return [`services.${id}: there is no such service${guess ? `, did you mean "${guess}"?` : ""}`];
  }
  if (service.compose && source !== "network")
    return [`services.${id}: container images come from the network, found ${source}`];
  if (service.source === "image" && source !== "image")
    return [`services.${id}: it is a part of every image, found ${source}`];
  return [];
}

/** The profile with the packages of services that are installed on its host. `catalogue`: as the profile has it. */
export function withServices(profile: ResolvedProfile, catalogue: readonly Service[]): ResolvedProfile {
  const names = catalogue
    .filter(({ id, source, where }) => profile.services[id] === source && where.allowed.includes("host"))
    .filter(({ source }) => source === "image")
    .flatMap(({ packages }) => packages);
  const present = new Set([...profile.base_packages, ...profile.packages]);
  const added = [...new Set(names)].filter((name) => !present.has(name)).sort();
  return added.length ? { ...profile, packages: [...profile.packages, ...added] } : profile;
}

/** For the lock file, which serves all profiles: `pool` where any of them has the .deb files in its image. */
export function catalogueOfAll(
  profiles: readonly ResolvedProfile[],
  catalogue: readonly Service[],
): Service[] {
  return catalogue.map((service) => {
    const isInPool = profiles.some(({ services }) => ["pool", "image"].includes(services[service.id] ?? ""));
    return isInPool && service.source === "network" ? { ...service, source: "pool" } : service;
  });
}
