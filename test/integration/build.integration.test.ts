// SPDX-License-Identifier: GPL-3.0-or-later
// The build, really run: same bytes twice, interruption at any moment, and what goes wrong on a person's machine.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { build } from "../../image/build.ts";
import { createSession } from "../../image/host/session.ts";
import { readManifest } from "../../image/published/manifest.ts";
import { builtImage, cbox, coldCache, inBuildTurn, profilesWith, run, scratch } from "./project.ts";

/** The profile with one package more. */
const asksFor = (name: string) => (yaml: string) => yaml.replace(/^packages:\n/m, `packages:\n  - ${name}\n`);

/** Until a build that is told to stop has done so, on a machine that is busy otherwise. */
const STOP_MS = 60_000;

describe("build of vm-amd64", () => {
  it("gives the same SHA-256 twice from cold caches, the second time interrupted and continued", async () => {
    const directory = await scratch();
    const env = await coldCache(directory);
    const cache = join(directory, "community-box");
    const words = ["build", "vm-amd64", "--out", join(directory, "out")];

    const first = cbox(words, env);
    await first.until(/rootfs: kernel, packages, hooks/);
    await waitForText(join(cache, "log/vm-amd64/rootfs.log"), /Setting up/);

    const second = await cbox(words, env).ended;
    expect(second.output).toContain("Another build is using the same cache. [build-running]");
    expect(second.output).toContain(`found: process ${first.process.pid}`);
    expect(second.code).toBe(1);

    first.process.kill("SIGINT");
    const since = performance.now();
    const interrupted = await first.ended;
    // Not at the end of the stage, some time later.
    expect(performance.now() - since).toBeLessThan(STOP_MS);
    expect(interrupted.output).toContain("[interrupted]");
    expect(interrupted.code).toBe(130);
    expect((await readdir(join(cache, "layers"))).filter((name) => name.startsWith("rootfs-"))).toEqual([]);
    expect(await readFile("/proc/mounts", "utf8")).not.toContain(directory);
    expect(await processesWorkingIn(directory)).toEqual([]);

    const continued = await cbox(words, env).ended;
    expect(continued.output).toContain("rootfs-vm-amd64: made, nothing in the cache");
    expect(continued.output).not.toContain("base-trixie-amd64: made");
    expect(continued.code).toBe(0);

    const again = await readManifest(join(directory, "out"));
    const { manifest } = await builtImage("vm-amd64");
    expect(again?.inputs_key).toBe(manifest.inputs_key);
    expect(again?.image.raw_sha256).toBe(manifest.image.raw_sha256);
    expect(again?.image.sha256).toBe(manifest.image.sha256);
  });

  it("makes and explains nothing without a change, and signs the checksums with a key", async () => {
    const directory = await scratch();
    const key = join(directory, "key.asc");
    const home = `GNUPGHOME=${directory}`;
    const made = `export ${home}; gpg --batch --quiet --passphrase '' --quick-gen-key test@example.net ed25519 sign never 2>/dev/null &&
      gpg --batch --armor --export-secret-keys > ${key}; gpgconf --kill all`;
    expect((await run(["sh", "-c", made]).ended).code).toBe(0);

    const explained = await inBuildTurn(() => cbox(["build", "vm-amd64", "--explain"]).ended);
    expect(explained.output).toContain("Nothing would be made: all of it is there.");
    expect(explained.code).toBe(0);
    // Nobody else knows this key: what other tests flash from the shared folder meanwhile would be refused.
    const { packed } = await builtImage("vm-amd64");
    const out = join(directory, "out");
    expect((await run(["cp", "--archive", "--symbolic-link", dirname(packed), out]).ended).code).toBe(0);
    const signed = ["build", "vm-amd64", "--out", out, "--sign-key", key];
    const again = await inBuildTurn(() => cbox(signed).ended);
    expect(again.output).toContain("Nothing changed since the last build");
    const sums = join(out, "SHA256SUMS");
    const check = `export ${home}; gpg --verify ${sums}.asc ${sums}; r=$?; gpgconf --kill all; cd ${out}; sha256sum -c SHA256SUMS && exit $r`;
    const verified = await run(["sh", "-c", check]).ended;
    expect(verified.output).toContain("Good signature");
    expect(verified.output.match(/: OK$/gm)).toHaveLength(6);
    expect(verified.code).toBe(0);
  });

  it("names with --dry-run the package that would make a new layer", async () => {
    const profiles = await profilesWith("vm-amd64.yaml", asksFor("tree"));
    const result = await dryRun(profiles, "vm-amd64");
    // The mirror may have moved past the lock meanwhile, which is a reason of its own, for both.
    expect(result.get("rootfs-vm-amd64")).toContain("package list changed: +tree");
    expect(result.get("base-trixie-amd64") ?? []).not.toContain(expect.stringContaining("tree"));
  });
});

describe("a build is refused", () => {
  it("for a package that does not exist, by name: package-unknown", async () => {
    const profiles = await profilesWith("vm-amd64.yaml", asksFor("no-such-package"));
    await expect(dryRun(profiles, "vm-amd64")).rejects.toMatchObject({
      code: "package-unknown",
      message:
        'The package "no-such-package" does not exist in the Debian release and architecture of this profile.',
      found: "no-such-package",
    });
  });

  it("for a mirror that does not answer: mirror-unreachable", async () => {
    const directory = await scratch();
    // Port 1 on this machine: nothing listens there, and nothing outside is asked.
    const words = [
      "build",
      "vm-amd64",
      "--out",
      join(directory, "out"),
      "--mirror",
      "http://127.0.0.1:1/debian",
    ];
    const { code, output } = await cbox(words, { XDG_CACHE_HOME: directory }).ended;
    expect(output).toContain("The Debian mirror could not be reached. [mirror-unreachable]");
    expect(output).toContain(
      "hint:  check the network, then run the same command again; another mirror: --mirror URL",
    );
    expect(code).toBe(1);
    expect(existsSync(join(directory, "out/manifest.json"))).toBe(false);
  });

  it("for a full disk, before anything starts", async () => {
    const directory = await scratch();
    const script = `mount -t tmpfs -o size=64m none ${directory} && exec node image/start.mjs build vm-amd64 --out ${directory}/out`;
    const ended = await run(["unshare", "--mount", "sh", "-c", script], { XDG_CACHE_HOME: directory }).ended;
    expect(ended.output).toContain("[host-not-ready]");
    expect(ended.output).toMatch(/disk.*8 GiB/i);
    expect(ended.code).toBe(1);
  });

  it("without root, with the remedy, even when the cache is root's", async () => {
    const directory = await scratch();
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath];
    const words = [...nobody, "image/start.mjs", "build", "vm-amd64", "--out", join(directory, "out")];
    const refused = await run(words, { XDG_CACHE_HOME: directory }).ended;
    expect(refused.output).toContain("[host-not-ready]");
    expect(refused.output).toMatch(/root/i);
    expect(refused.code).toBe(1);
    const looking = await run([...words, "--dry-run"], { XDG_CACHE_HOME: directory }).ended;
    expect(looking.output).toContain("cannot be written to. [cache-unwritable]");
    expect(looking.code).toBe(1);
  });
});

async function dryRun(profiles: string, id: string) {
  const session = createSession({ logDirectory: join(await scratch(), "log") });
  const out = join(await scratch(), "out");
  const { reasons } = await inBuildTurn(() =>
    build(session, id, { out, community: "guifi", profiles, dryRun: true }),
  );
  return reasons;
}

async function waitForText(path: string, pattern: RegExp): Promise<void> {
  await expect
    .poll(() => readFile(path, "utf8").catch(() => ""), { timeout: 600_000, interval: 100 })
    .toMatch(pattern);
}

/** Command lines of processes that name a directory or work in it. */
async function processesWorkingIn(directory: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.includes(directory)).map((line) => line.replaceAll("\0", " "));
}
