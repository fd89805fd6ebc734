// SPDX-License-Identifier: GPL-3.0-or-later
// What the heavy tests share: the command line as a person runs it, scratch directories, and the built image.
import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { inTurn } from "../../common/lock.ts";
import { cacheDir } from "../../image/cache/directory.ts";
import { defaultOut } from "../../image/commands/build.ts";
import { PROFILES, PROJECT } from "../../image/host/paths.ts";
import { locateImage } from "../../image/published/locate-image.ts";
import { type DiskManifest, readManifest } from "../../image/published/manifest.ts";

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the output so far matches; rejects when the program ends without it. */
  until(pattern: RegExp): Promise<void>;
}

/** Runs `cbox …` without the launcher, standard output and error together. */
export function cbox(words: readonly string[], env: Record<string, string> = {}): Running {
  return run(["node", join(PROJECT, "image/start.mjs"), ...words], env);
}

export function run([program = "", ...args]: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(program, args, {
    cwd: PROJECT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const waiting = new Set<() => void>();
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
    for (const look of waiting) look();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, output })));
  return {
    process: child,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!pattern.test(output)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without ${pattern}:\n${output}`)));
      }),
  };
}

/** For a build in the shared cache, which is refused while another one runs: test files run side by side. */
export const inBuildTurn = <T>(work: () => Promise<T>): Promise<T> =>
  inTurn(join(cacheDir(), "test", "build.lock"), work);

/** A directory that is gone when the test is done. It lies in the cache, so that hard links to packages work. */
export async function scratch(): Promise<string> {
  await mkdir(join(cacheDir(), "test"), { recursive: true });
  const directory = await mkdtemp(join(cacheDir(), "test", "run-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A copy of the project's profiles and locks, with one file of them edited. */
export async function profilesWith(file: string, edit: (text: string) => string): Promise<string> {
  const profiles = join(await scratch(), "profiles");
  await cp(PROFILES, profiles, { recursive: true });
  const path = join(profiles, file);
  await writeFile(path, edit(await readFile(path, "utf8")));
  return profiles;
}

/** A cache of its own for a build, cold but for the downloaded packages. Returns the environment to give. */
export async function coldCache(directory: string): Promise<{ XDG_CACHE_HOME: string }> {
  await mkdir(join(directory, "community-box"), { recursive: true });
  await symlink(join(cacheDir(), "pool"), join(directory, "community-box/pool"));
  return { XDG_CACHE_HOME: directory };
}

/** The image that `cbox test` has built before. */
export async function builtImage(
  profileId: string,
): Promise<{ manifest: DiskManifest; raw: string; packed: string }> {
  const out = defaultOut(profileId);
  const manifest = (await readManifest(out)) as DiskManifest | undefined;
  if (!manifest)
    throw new Error(`there is no image of ${profileId}; build it first: ./cbox build ${profileId}`);
  const { path: raw } = await locateImage(profileId, out);
  return { manifest, raw, packed: join(out, manifest.image.file) };
}
