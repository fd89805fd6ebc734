// SPDX-License-Identifier: GPL-3.0-or-later
// What a build, the lab and the benchmarks share: the cache with its layers, the mirror, and the locked packages.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readCatalogue } from "../../common/catalogue.ts";
import { codeOf } from "../cache/code-of.ts";
import { cacheDir } from "../cache/directory.ts";
import { type Layer, type LayerStore, openLayers } from "../cache/layers.ts";
import type { SetRequests } from "../debian/lock.ts";
import { findMirror, type Mirror } from "../debian/mirror.ts";
import { mmdebstrap } from "../debian/mmdebstrap.ts";
import { CONTEXT_REQUEST, CONTEXT_SET, profileRequest, profileSet } from "../debian/package-sets.ts";
import { ESSENTIAL, openPackages, type Packages } from "../debian/packages.ts";
import { PROFILES, SERVICES } from "../host/paths.ts";
import type { Session } from "../host/session.ts";
import { ownProfiles } from "../profile/directories.ts";
import { listProfiles, type ResolvedProfile, resolveProfile, sharedBase } from "../profile/index.ts";
import { servicesRequests } from "../services/pool.ts";
import { catalogueOf, catalogueOfAll, withServices } from "../services/source.ts";

/** Programs that make and check disks come from the target release, so that every host makes the same bytes. */
const TOOLS = [
  "dosfstools",
  "e2fsprogs",
  "fdisk",
  "grub-common",
  "grub-efi-amd64-unsigned",
  "grub-efi-ia32-unsigned",
  "grub-pc-bin",
  "mtools",
  "squashfs-tools",
  "zstd",
];
/** The lab's servers, from the same release; and systemd-nspawn, which starts the containers of tests. */
const LAB = [
  "bind9-dnsutils",
  "bzip2",
  "chrony",
  "curl",
  "dnsmasq-base",
  "docker-registry",
  "etcd-server",
  "iproute2",
  "iputils-ping",
  "ldap-utils",
  "mosquitto-clients",
  "nodejs",
  "openssl",
  "procps",
  "serf",
  "slapd",
  "snmp",
  "syncthing",
  "systemd-container",
  "tinc",
  "udhcpc",
];
/** Programs that publish and watch video in tests; a tree of their own, as they are too large for every lab. */
const VIDEO = ["curl", "ffmpeg"];

/** Release and architecture of the helper trees; they run on the building machine. */
const HELPERS = { release: "trixie", architecture: "amd64" } as const;

export interface WorkspaceOptions {
  readonly session: Session;
  readonly mirror?: string | undefined;
  readonly lock?: "use" | "update" | "strict";
  /** Read only: the lock file is not written. */
  readonly preview?: boolean;
  /** Replaces the cache directory; the store of downloaded packages stays shared. */
  readonly cache?: string;
  /** Replaces the directory of profiles, and of their lock files. */
  readonly profiles?: string;
}

export interface Workspace {
  readonly session: Session;
  readonly cache: string;
  readonly layers: LayerStore;
  mirror(): Promise<Mirror>;
  packages(release: string, architecture: string, needed: readonly string[]): Promise<Packages>;
  /** The tree with the disk tools (files only). */
  tools(): Promise<Layer>;
  /** The tree the lab's servers run in. */
  lab(): Promise<Layer>;
  /** A tree with programs for video. */
  video(): Promise<Layer>;
}

export function openWorkspace(options: WorkspaceOptions): Workspace {
  const { session } = options;
  const cache = options.cache ?? cacheDir();
  const layers = openLayers(session, join(cache, "layers"));
  let mirror: Promise<Mirror> | undefined;
  const findIt = () => (mirror ??= findMirror(session.run, options.mirror));

  const updated = new Set<string>();

  const packages: Workspace["packages"] = async (release, architecture, needed) => {
    const file = `${release}-${architecture}`;
    const asked = options.lock ?? "use";
    // Updated once; later requests of the same build use the updated lock.
    const mode = asked === "update" && updated.has(file) ? "use" : asked;
    updated.add(file);
    const profiles = profilesOf(options.profiles, release, architecture);
    // Packages of a person's own profiles are in a lock beside those profiles: the project's lock stays as committed.
    const own = options.profiles ? undefined : ownProfiles();
    return openPackages(
      {
        session,
        mirror: findIt,
        release,
        architecture,
        requests: requestsOf(profiles, release, architecture),
        security: profiles.every((profile) => profile.security_archive),
        lockDirectory: join(own ?? options.profiles ?? PROFILES, "locks"),
        ...(own ? { continues: join(PROFILES, "locks") } : {}),
        cache,
        pool: join(cacheDir(), "pool"),
        mode,
        write: !options.preview,
      },
      needed,
    );
  };

  const helper = async (kind: string, variant: "apt" | "extract", names: readonly string[]) => {
    const { release, architecture } = HELPERS;
    const locked = await packages(release, architecture, [kind]);
    const code = codeOf("image/debian/mmdebstrap.ts");
    return layers.obtain(kind, { code, variant, packages: locked.identity(kind) }, async (root) => {
      const repository = `${root}.repository`;
      await locked.repository(kind, repository);
      const { epoch } = locked.lock;
      await mmdebstrap({
        session,
        repository,
        release,
        architecture,
        packages: names,
        variant,
        target: root,
        epoch,
      });
      await rm(repository, { recursive: true });
    });
  };

  return {
    session,
    cache,
    layers,
    mirror: findIt,
    packages,
    tools: () => helper("tools", "extract", TOOLS),
    lab: () => helper("lab", "apt", LAB),
    video: () => helper("video", "apt", VIDEO),
  };
}

function profilesOf(dir: string | undefined, release: string, architecture: string): ResolvedProfile[] {
  return listProfiles(dir)
    .filter((each) => !each.abstract && !each.problem)
    .map(({ id }) => resolveProfile(id, { dir }))
    .filter((profile) => profile.release === release && profile.architecture === architecture);
}

function requestsOf(
  profiles: readonly ResolvedProfile[],
  release: string,
  architecture: string,
): SetRequests {
  const requests: Record<string, readonly string[]> = {};
  if (release === HELPERS.release && architecture === HELPERS.architecture) {
    requests.tools = TOOLS;
    requests.lab = [...ESSENTIAL, ...LAB];
    requests.video = [...ESSENTIAL, ...VIDEO];
  }
  const haveContexts = profiles.some((profile) => profile.contexts !== "none");
  const catalogue = readCatalogue(SERVICES);
  if (haveContexts) requests[CONTEXT_SET] = CONTEXT_REQUEST;
  for (const profile of profiles)
    requests[profileSet(profile.id)] = profileRequest(withServices(profile, catalogueOf(profile, catalogue)));
  const base = sharedBase(profiles);
  if (base) {
    requests.base = [...ESSENTIAL, ...base];
    const present = { host: requests.base, ...(haveContexts ? { context: CONTEXT_REQUEST } : {}) };
    Object.assign(requests, servicesRequests(catalogueOfAll(profiles, catalogue), architecture, present));
  }
  return requests;
}
