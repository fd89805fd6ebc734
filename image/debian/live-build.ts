// SPDX-License-Identifier: GPL-3.0-or-later
// Drives Debian's live-build through its configuration tree: its bootstrap stage restores the base layer from its
// own cache, its chroot stage installs the profile's packages and runs the hooks. Its binary stages are not used.
import { chmod, copyFile, mkdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Session } from "../host/session.ts";
import { inNamespace } from "./mmdebstrap.ts";

/**
 * Path of the repository for live-build and the system it makes, inside the build's own mount namespace. It is fixed,
 * so that no path of the building machine gets into the image.
 */
const MIRROR = "/mnt";

export interface LiveBuildOptions {
  readonly session: Session;
  readonly release: string;
  readonly architecture: string;
  /** Repository made by `Pool.layOut`; the only place live-build gets packages from. */
  readonly repository: string;
  /** The base layer; becomes live-build's bootstrap cache. */
  readonly base: string;
  readonly packages: readonly string[];
  /** Files laid down before the packages are installed, by path below the root. */
  readonly filesBefore: Readonly<Record<string, string>>;
  /** Paths of `*.hook.chroot` files, run in the order of their names. */
  readonly hooks: readonly string[];
  readonly epoch: number;
  /** Directory live-build works in; the finished system is left at `<directory>/chroot`. */
  readonly directory: string;
}

export async function liveBuild(options: LiveBuildOptions): Promise<void> {
  const { session, release, architecture, repository, base, packages, filesBefore, hooks, epoch, directory } =
    options;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const mirrors = ["bootstrap", "chroot", "binary"].flatMap((stage) => [
    [`--mirror-${stage}`, `file://${MIRROR}/`],
    [`--parent-mirror-${stage}`, `file://${MIRROR}/`],
  ]);
  const settings = [
    ["--mode", "debian"],
    ["--system", "normal"],
    ["--distribution", release],
    ["--architecture", architecture],
    // For a foreign architecture it requires an emulator to copy into the chroot. The kernel holds ours open
    // (image/debian/binfmt.ts), so no copy is needed, and any program satisfies the check.
    ["--bootstrap-qemu-arch", architecture],
    ["--bootstrap-qemu-static", "/bin/true"],
    ["--archive-areas", "main"],
    ["--security", "false"],
    ["--updates", "false"],
    ["--backports", "false"],
    ["--apt-secure", "false"],
    ["--apt-recommends", "false"],
    // dpkg keeps a configuration file that was there before its package: a build cannot answer a question.
    ["--apt-options", "--yes -o Dpkg::Options::=--force-confold"],
    ["--apt-source-archives", "false"],
    ["--initramfs", "none"],
    ["--initsystem", "none"],
    ["--linux-packages", "none"],
    ["--firmware-chroot", "false"],
    ["--firmware-binary", "false"],
    ["--cache", "true"],
    ["--cache-packages", "false"],
    ["--cache-stages", "bootstrap"],
    ["--debian-installer", "none"],
    ["--memtest", "none"],
    ["--apt-indices", "false"],
    ...mirrors,
  ].flat();
  const env = { SOURCE_DATE_EPOCH: String(epoch), TERM: "dumb" };
  await session.run(["lb", "config", "noauto", ...settings], { cwd: directory, env });

  await writeFile(join(directory, "config/package-lists/profile.list.chroot"), `${packages.join("\n")}\n`);
  for (const [path, content] of Object.entries(filesBefore)) {
    const target = join(directory, "config/includes.chroot_before_packages", path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
  for (const hook of hooks) {
    const target = join(directory, "config/hooks/normal", basename(hook));
    await copyFile(hook, target);
    await chmod(target, 0o755);
  }

  // In namespaces of its own, live-build's mounts and the processes of its hooks end with it. The base layer is
  // bound read-only where live-build looks for its bootstrap cache.
  await mkdir(join(directory, "cache/bootstrap"), { recursive: true });
  const script = [
    "set -e",
    'mount --bind "$1" cache/bootstrap',
    `mount --bind "$2" ${MIRROR}`,
    "mount -o remount,bind,ro cache/bootstrap",
    "lb bootstrap_cache restore",
    "umount cache/bootstrap",
    "lb chroot",
  ].join("\n");
  await inNamespace(session, ["sh", "-c", script, "live-build", base, repository], {
    name: "live-build",
    cwd: directory,
    env,
  });
}

/** Moves the finished system to its place in the layer store and removes live-build's working files. */
export async function takeChroot(directory: string, target: string, epoch: number): Promise<void> {
  await rm(target, { recursive: true, force: true });
  await rename(join(directory, "chroot"), target);
  // Newer versions of live-build also remove the directory of the mirror.
  await mkdir(join(target, MIRROR), { recursive: true });
  await utimes(join(target, MIRROR), epoch, epoch);
  await rm(directory, { recursive: true, force: true });
}
