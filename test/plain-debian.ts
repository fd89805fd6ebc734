// SPDX-License-Identifier: GPL-3.0-or-later
// A Debian a person would call bootable and nothing more, by an ordinary bootstrap: the yardstick of the benchmarks, and
// the machine that is converted into a box.
import { chmod, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cacheDir } from "../image/cache/directory.ts";
import { mmdebstrap } from "../image/debian/mmdebstrap.ts";
import { kernelOf } from "../image/debian/package-sets.ts";
import { ESSENTIAL, openPackages } from "../image/debian/packages.ts";
import { type DiskTools, openDiskTools } from "../image/disk/tools.ts";
import { PROFILES } from "../image/host/paths.ts";
import { createSession, type Session } from "../image/host/session.ts";
import {
  type MachineProfile,
  machineOf,
  type ResolvedProfile,
  resolveProfile,
} from "../image/profile/index.ts";
import { customize } from "../image/stages/customize.ts";
import { disk } from "../image/stages/disk.ts";
import { resolve } from "../image/stages/resolve.ts";
import { scrub } from "../image/stages/scrub.ts";
import { openWorkspace, type Workspace } from "../image/stages/workspace.ts";

const PACKAGES = [
  ...["systemd", "systemd-sysv", "udev", "dbus", "libpam-systemd", "iproute2", "openssh-server"],
  "initramfs-tools",
];

export interface PlainDebian {
  readonly session: Session;
  readonly workspace: Workspace;
  /** The virtual machine that it starts in: its boot loader is set up the same way. */
  readonly profile: ResolvedProfile;
  /** For its packages' lock and its disk. */
  readonly directory: string;
}

export interface Owned {
  /** Packages beyond the bare system. */
  readonly packages?: readonly string[];
  /** Shell commands of its owner, run inside the finished system. */
  readonly customize?: readonly string[];
  /** Put into it: by path, the text or the file it is copied from. */
  readonly files?: Readonly<Record<string, string | { readonly from: string }>>;
  /** Free room on its disk, in MiB; that of the profile unless said. */
  readonly freeMib?: number;
}

/**
 * A machine that somebody has installed.
 * @param profileId the virtual machine that it is.
 * @param name keeps it apart from others.
 */
export async function plainMachine(
  profileId: string,
  name: string,
  owned: Owned,
): Promise<{ readonly image: string; readonly profile: MachineProfile }> {
  const directory = join(cacheDir(), "test", name);
  // Its lock stays, so that the root is made once.
  await mkdir(directory, { recursive: true });
  const session = createSession({ logDirectory: join(directory, "log") });
  const profile = resolveProfile(profileId);
  const plain = { session, workspace: openWorkspace({ session }), profile, directory };
  // Debian's installer writes it; without it the root stays as it is started: read-only.
  const files = { "/etc/fstab": "LABEL=CBOX-ROOT / ext4 defaults 0 1\n", ...owned.files };
  const image = await plainDisk(plain, await plainRoot(plain, owned), { ...owned, files });
  return { image, profile: machineOf(profile) };
}

/** The root file system alone, kept in the cache; resolves to its directory. */
export async function plainRoot(
  plain: PlainDebian,
  { packages: more = [], customize = [] }: Owned = {},
): Promise<string> {
  const { session, workspace, profile, directory } = plain;
  const wanted = [...PACKAGES, ...kernelOf(profile), ...more];
  const { release, architecture } = profile;
  const packages = await openPackages(
    {
      ...{ session, release, architecture, mirror: workspace.mirror, cache: directory },
      ...{ pool: join(cacheDir(), "pool"), lockDirectory: directory, mode: "use", write: true },
      requests: { plain: [...ESSENTIAL, ...wanted] },
    },
    ["plain"],
  );
  const { epoch } = packages.lock;
  const inputs = { format: 1, packages: packages.identity("plain"), customize, epoch };
  const layer = await workspace.layers.obtain(`plain-${release}-${architecture}`, inputs, async (root) => {
    await packages.repository("plain", `${root}.repository`);
    await session.stage("plain", "plain bootable Debian", async () => {
      await mmdebstrap({
        ...{ session, release, architecture, variant: "apt", epoch, customize },
        ...{ repository: `${root}.repository`, packages: wanted, target: root },
      });
      await scrub(session, root, epoch);
    });
    await rm(`${root}.repository`, { recursive: true });
  });
  return layer.root;
}

/** A disk with it; resolves to the raw image. */
export async function plainDisk(plain: PlainDebian, root: string, owned: Owned = {}): Promise<string> {
  const { session, workspace, profile, directory } = plain;
  const image = join(directory, "plain.img");
  await session.stage("plain-disk", "plain Debian as a disk", async () => {
    const { epoch } = (await workspace.packages(profile.release, profile.architecture, [])).lock;
    const tools: DiskTools = openDiskTools(session.run, (await workspace.tools()).root, epoch);
    const plan = await resolve(profile.id, { profiles: PROFILES, community: "guifi" });
    const slack = owned.freeMib ?? profile.disk.root_slack_mib;
    const roomy = { ...plan.profile, disk: { ...plan.profile.disk, root_slack_mib: slack } };
    // Only the boot loader's configuration is taken from our image: both start by the same one.
    const layer = { kind: "plain", key: "plain", root, reasons: [] };
    const target = join(directory, "plain.customized");
    const own = { ...plan, profile: roomy, overlays: [] };
    const bootFiles = await customize(session, {
      ...{ plan: own, layer, mirror: await workspace.mirror(), epoch, target },
    });
    // What every customized system gets; this one is none of ours.
    await rm(join(target, "usr/lib/community-box"), { recursive: true });
    for (const [path, content] of Object.entries(owned.files ?? {})) {
      const place = join(target, path);
      await mkdir(dirname(place), { recursive: true });
      // A file that is there is a hard link to that of the layer.
      await rm(place, { force: true });
      if (typeof content === "string") await writeFile(place, content);
      else await copyFile(content.from, place);
      await chmod(place, 0o644);
    }
    await disk(session, { plan: own, tools, root: target, bootFiles, image, seed: "plain" });
  });
  return image;
}
