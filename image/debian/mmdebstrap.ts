// SPDX-License-Identifier: GPL-3.0-or-later
// Makes a Debian root file system from a laid-out repository with mmdebstrap: the base layer (which seeds
// live-build's bootstrap cache) and the two helper trees, disk tools and lab servers.
import { readdir } from "node:fs/promises";
import type { RunOptions, Session } from "../host/session.ts";

export interface MmdebstrapOptions {
  readonly session: Session;
  /** Directory of a repository made by `Pool.layOut`. */
  readonly repository: string;
  readonly release: string;
  readonly architecture: string;
  readonly packages: readonly string[];
  /** `apt`: a configured system. `extract`: files only, no maintainer script runs. */
  readonly variant: "apt" | "extract";
  readonly target: string;
  readonly epoch: number;
  /** dpkg options such as path-exclude; they stay in the system, for later upgrades. */
  readonly dpkgOptions?: readonly string[];
  /** Shell commands run inside the finished system. */
  readonly customize?: readonly string[];
}

export async function mmdebstrap(options: MmdebstrapOptions): Promise<void> {
  const {
    session,
    repository,
    release,
    architecture,
    packages,
    variant,
    target,
    epoch,
    dpkgOptions = [],
    customize = [],
  } = options;
  await inNamespace(
    session,
    [
      "mmdebstrap",
      "--mode=root",
      "--format=directory",
      `--variant=${variant}`,
      `--architectures=${architecture}`,
      `--include=${packages.join(",")}`,
      "--aptopt=APT::Install-Recommends false",
      ...dpkgOptions.map((option) => `--dpkgopt=${option}`),
      ...customize.map((command) => `--customize-hook=chroot "$1" sh -c '${command}'`),
      "--skip=check/empty,check/qemu",
      ...(await mergedUsr(repository)),
      release,
      target,
      `deb [trusted=yes] copy://${repository} ${release} main`,
    ],
    { name: "mmdebstrap", env: { SOURCE_DATE_EPOCH: String(epoch) } },
  );
}

/**
 * Merges /usr before anything is unpacked when the repository has usr-is-merged, which Debian 12 requires. The hook
 * asks APT itself, but takes a name that APT has only seen in dependencies for an existing package.
 */
async function mergedUsr(repository: string): Promise<string[]> {
  const files = await readdir(repository, { recursive: true });
  const isThere = files.some((file) => /(^|\/)usr-is-merged_/.test(file));
  return isThere ? ["--hook-directory=/usr/share/mmdebstrap/hooks/maybe-merged-usr"] : [];
}

/**
 * Runs a program in mount and PID namespaces of its own: its mounts and child processes end with it, however it
 * ends.
 */
export async function inNamespace(
  session: Session,
  argv: readonly string[],
  options: Pick<RunOptions, "env" | "cwd" | "name">,
): Promise<string> {
  const unshare = [
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--propagation",
    "private",
  ];
  // unshare reacts to no other signal while its child runs; the child ends with it.
  return session.run([...unshare, ...argv], { ...options, kill: true });
}
