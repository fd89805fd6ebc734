// SPDX-License-Identifier: GPL-3.0-or-later
// The benchmarks: all measured in one run on one machine, as ratios to plain Debian of the same release, because
// seconds of different machines cannot be compared. Not a test: results are written down, none is a failure.
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildResult, build } from "../../image/build.ts";
import { cacheDir } from "../../image/cache/directory.ts";
import { defaultOut } from "../../image/commands/build.ts";
import { mmdebstrap } from "../../image/debian/mmdebstrap.ts";
import { kernelOf, profileSet } from "../../image/debian/package-sets.ts";
import { interruption } from "../../image/host/interrupt.ts";
import { PROFILES, PROJECT } from "../../image/host/paths.ts";
import { createSession, type Session } from "../../image/host/session.ts";
import { labRoot } from "../../image/lab-root.ts";
import { listProfiles, loadCommunity, machineOf, resolveProfile } from "../../image/profile/index.ts";
import { readManifest } from "../../image/published/manifest.ts";
import { parseDpkgStatus } from "../../image/stages/sbom.ts";
import { openWorkspace, type Workspace } from "../../image/stages/workspace.ts";
import { type Box, createBox } from "../boot/harness.ts";
import { labUp } from "../lab/lab.ts";
import { plainDisk, plainRoot } from "../plain-debian.ts";
import { measureContexts } from "./contexts.ts";
import { measureFlash } from "./flash.ts";
import { thisMachine } from "./machine.ts";
import { formatResults, type ImageSizes, type Row } from "./results.ts";

const PROFILE = "vm-amd64";
/** Of the same architecture, with a kernel and packages of its own. */
const SECOND = "jetway-jbc362f36";
const RESULTS = join(PROJECT, "test/bench/results.md");

/** Runs everything (about 15 minutes on two cores without KVM). Resolves to the path of the results. */
export async function measure(): Promise<string> {
  const directory = join(cacheDir(), "bench");
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const session = createSession({ logDirectory: join(directory, "log"), signal: interruption() });
  const workspace = openWorkspace({ session });
  try {
    const builds = await measureBuilds(session, directory);
    const plain = await measurePlain(session, workspace, directory);
    const { image } = builds.result.manifest!;
    const flashed = await session.stage("flash", "onto a card of 32 GB", () =>
      measureFlash(join(directory, "out", image.file), rawOf(builds.result), directory),
    );
    const boots = await measureBoots(session, builds.result, plain.image);
    const rows: Row[] = [
      ratio(
        "cold build / plain mmdebstrap of the same package list",
        builds.cold,
        plain.mmdebstrap,
        "s",
        "1.5, hope for 1.15",
      ),
      share("rebuild after changing what is laid over / cold build", builds.changed, builds.cold, "5 %"),
      share("nothing changed / cold build", builds.unchanged, builds.cold, "1 %"),
      share(`build of a second profile (${SECOND}) / of the first`, builds.second, builds.cold, "reported"),
      ratio(
        "packed image / packed plain bootable Debian (zstd -3)",
        builds.packed / 1e6,
        plain.packed / 1e6,
        "MB",
        "reported",
      ),
      ratio(
        "time to the wizard's prompt / time to plain Debian's login prompt",
        boots.wizard,
        boots.login,
        "s",
        "1.3",
      ),
      ratio("image onto a 32 GB card / bmaptool", flashed.ours, flashed.bmaptool, "s", "1"),
      ratio(
        "image onto a 32 GB card, read back / dd of the raw image",
        flashed.oursVerified,
        flashed.dd,
        "s",
        "1",
      ),
      {
        what: "memory used when set-up is done - plain Debian",
        ours: `${boots.memory} MiB`,
        theirs: `${boots.plainMemory} MiB`,
        result: `${signed(boots.memory - boots.plainMemory)} MiB`,
        aim: "reported",
      },
      {
        what: "the same with both contexts stopped",
        ours: `${boots.undivided} MiB`,
        theirs: `${boots.plainMemory} MiB`,
        result: `${signed(boots.undivided - boots.plainMemory)} MiB`,
        aim: "+60 MB",
      },
      ...(await session.stage("contexts", "the box divided, from the partition to the last check", () =>
        measureContexts(rawOf(builds.result)),
      )),
    ];
    const results = {
      ...{ date: new Date(), machine: await thisMachine(), rows },
      ...{ difference: plain.difference, images: await imageSizes() },
    };
    await writeFile(RESULTS, formatResults(results));
    return RESULTS;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The unpacked image of a build, in the benchmark's own cache. */
function rawOf({ manifest }: BuildResult): string {
  return join(cacheDir(), "bench/cache/images", `${manifest!.image.raw_sha256}.img`);
}

/** Of the images that stand in `out`, by profile. */
async function imageSizes(): Promise<ImageSizes[]> {
  const ids = listProfiles().flatMap(({ id, abstract }) => (abstract ? [] : [id]));
  return Promise.all(
    ids.map(async (profile) => {
      const image = (await readManifest(defaultOut(profile)))?.image;
      return image ? { profile, packed: image.size, unpacked: image.raw_size } : { profile };
    }),
  );
}

async function measureBuilds(session: Session, directory: string) {
  const cache = join(directory, "cache");
  const out = join(directory, "out");
  const run = async (community: string, profile = PROFILE): Promise<[number, BuildResult]> => {
    const started = performance.now();
    const own = profile === PROFILE ? out : join(directory, profile);
    const result = await build(session, profile, { out: own, community, cache });
    return [(performance.now() - started) / 1000, result];
  };
  // Both sides have the packages on the disk, so that the network is not measured.
  const sets = ["tools", "base", profileSet(PROFILE), profileSet(SECOND)];
  await openWorkspace({ session }).packages("trixie", "amd64", sets);
  const [cold, result] = await run("guifi");
  const [unchanged] = await run("guifi");
  const [second] = await run("guifi", SECOND);
  const other = join(directory, "community.yaml");
  await cp(join(PROFILES, "communities/guifi.yaml"), other);
  await writeFile(other, (await readFile(other, "utf8")).replace("title: Guifi.net", "title: Guifi"));
  const [changed] = await run(other);
  // The image to boot is the shipped one, not the changed one.
  await run("guifi");
  return { cold, changed, unchanged, second, result, packed: result.manifest!.image.size };
}

async function measurePlain(session: Session, workspace: Workspace, directory: string) {
  const profile = resolveProfile(PROFILE);
  const { release, architecture } = profile;
  const packages = await workspace.packages(release, architecture, [profileSet(PROFILE)]);
  const { epoch } = packages.lock;
  const same = join(directory, "same");
  await packages.repository(profileSet(PROFILE), `${same}.repository`);
  const list = [...profile.base_packages, ...kernelOf(profile), ...profile.packages];
  const common = { session, release, architecture, variant: "apt" as const, epoch };
  const started = performance.now();
  await session.stage("same", "plain mmdebstrap of the same package list", () =>
    mmdebstrap({ ...common, repository: `${same}.repository`, packages: list, target: same }),
  );
  const seconds = (performance.now() - started) / 1000;

  const options = { session, workspace, profile, directory };
  // Kept between runs; what is timed is the bootstrap before it.
  const plain = await plainRoot(options);
  const image = await plainDisk(options, plain);
  await session.run(["zstd", "-q", "-T0", "-3", image, "-o", `${image}.zst`]);
  const size = (await stat(`${image}.zst`)).size;
  return { mmdebstrap: seconds, image, packed: size, difference: await packageDifference(plain, same) };
}

/** Our packages that plain Debian lacks, largest first, with their installed size in MB. */
async function packageDifference(plain: string, same: string): Promise<[string, number][]> {
  const installed = async (root: string) => {
    const status = await readFile(join(root, "var/lib/dpkg/status"), "utf8");
    const sizes = new Map<string, number>();
    for (const stanza of status.split(/\n\n+/)) {
      const name = /^Package: (.*)$/m.exec(stanza)?.[1];
      const size = /^Installed-Size: (\d+)$/m.exec(stanza)?.[1];
      if (name && size) sizes.set(name, Number(size) / 1000);
    }
    return new Map(parseDpkgStatus(status).map(({ name }) => [name, sizes.get(name) ?? 0]));
  };
  const [theirs, all] = await Promise.all([installed(plain), installed(same)]);
  return [...all].filter(([name]) => !theirs.has(name)).sort((a, b) => b[1] - a[1]);
}

async function measureBoots(session: Session, ours: BuildResult, plainImage: string) {
  const profile = machineOf(resolveProfile(PROFILE));
  const ourImage = rawOf(ours);
  const plain = await session.stage("boot-plain", "plain Debian to its login prompt", async () => {
    const box = await createBox({ image: plainImage, profile });
    try {
      const started = performance.now();
      await box.powerOn();
      await box.expect(/login: /, { timeoutMs: 300_000 });
      const login = (performance.now() - started) / 1000;
      return { login, memory: await usedMemory(box) };
    } finally {
      await box.destroy();
    }
  });
  const wizard = await session.stage("boot-ours", "our image to the wizard's prompt", async () => {
    const box = await createBox({ image: ourImage, profile });
    try {
      const started = performance.now();
      await box.powerOn();
      await box.expect(/Press Enter to begin/, { timeoutMs: 300_000 });
      return (performance.now() - started) / 1000;
    } finally {
      await box.destroy();
    }
  });
  const used = await session.stage("memory", "our image with set-up done, in the lab", async () => {
    const lab = await labUp({ name: "bench", community: loadCommunity("guifi"), root: await labRoot() });
    try {
      const box = await createBox({ image: ourImage, profile, lab, ownDisk: true });
      try {
        await setUpByAnswers(box);
        const memory = await usedMemory(box);
        await box.ask('for id in owner community; do incus stop "$id" --project "$id"; done', {
          timeoutMs: 300_000,
        });
        return { memory, undivided: await usedMemory(box) };
      } finally {
        await box.destroy();
      }
    } finally {
      await lab.down();
    }
  });
  return { login: plain.login, plainMemory: plain.memory, wizard, ...used };
}

const ANSWERS = `version: 1
system:
  hostname: bench
  owner: { name: anna, password: "cargol groc damunt la teulada" }
network: { method: dhcp }
`;

async function setUpByAnswers(box: Box): Promise<void> {
  await (await box.bootPartition()).put("answers.yaml", ANSWERS);
  await box.powerOn();
  await box.expect(/\[done\] Set-up is complete/, { timeoutMs: 600_000 });
}

/** MiB in use that are not available to another program, once the system is idle. */
async function usedMemory(box: Box): Promise<number> {
  await box.ask("systemctl is-system-running --wait || true", { timeoutMs: 240_000 });
  return Number(
    await box.ask("awk '/^MemTotal/{t=$2} /^MemAvailable/{a=$2} END{print int((t-a)/1024)}' /proc/meminfo"),
  );
}

function ratio(what: string, ours: number, theirs: number, unit: string, aim: string): Row {
  const text = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
  return { what, ours: text(ours), theirs: text(theirs), result: (ours / theirs).toFixed(2), aim };
}

function share(what: string, part: number, whole: number, aim: string): Row {
  return {
    what,
    ours: `${part.toFixed(1)} s`,
    theirs: `${whole.toFixed(1)} s`,
    result: `${((part / whole) * 100).toFixed(1)} %`,
    aim,
  };
}

function signed(value: number): string {
  return value >= 0 ? `+${value}` : String(value);
}
