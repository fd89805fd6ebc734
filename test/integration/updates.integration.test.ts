// SPDX-License-Identifier: GPL-3.0-or-later
// Security updates for real: the base layer of an image with the overlay's settings, and repositories of its own beside
// it, signed by a key of the test. unattended-upgrades takes what it should, and nothing else.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ImageInfo } from "../../firstboot/host/image-info.ts";
import { writeChoices } from "../../firstboot/host/owner-settings.ts";
import { IS_BUSY } from "../../firstboot/services/packages.ts";
import { keptBack, readUpdates, updateBox } from "../../firstboot/updates/updates.ts";
import { cacheDir } from "../../image/cache/directory.ts";
import { foreignState, THIS_PROCESSOR } from "../../image/debian/binfmt.ts";
import { OVERLAYS } from "../../image/host/paths.ts";
import { createSession } from "../../image/host/session.ts";
import { thisHost } from "../../image/host/this-host.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { base } from "../../image/stages/base.ts";
import { resolve } from "../../image/stages/resolve.ts";
import { finishFile } from "../../image/stages/template.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";
import { type ChrootBox, chrootBox } from "./chroot-box.ts";

const NAMESPACE = "cbox-updates";
const CONF = "/etc/cbox-test.conf";
const LOG = "/var/log/unattended-upgrades/unattended-upgrades.log";

/** Where a package comes from, as its archive's Release file says; how the archive is called in this test. */
const ARCHIVES = {
  security: { origin: "Debian", label: "Debian-Security", suite: "-security" },
  point: { origin: "Debian", label: "Debian", suite: "" },
  backports: { origin: "Debian Backports", label: "Debian Backports", suite: "-backports" },
  elsewhere: { origin: "Elsewhere", label: "Elsewhere", suite: "-elsewhere" },
} as const;
type ArchiveId = keyof typeof ARCHIVES;

interface TestPackage {
  readonly name: string;
  readonly version: string;
  readonly depends?: string;
  /** By path; below /etc they are conffiles. */
  readonly files?: { readonly [path: string]: string };
  readonly scripts?: { readonly [name: string]: string };
}

/** Stays in a maintainer script until the power is cut. */
const wait = (name: string) => `#!/bin/sh
[ ! -e /wait-in-${name} ] || { touch /waiting; sleep 600; }
`;
/** As Debian's kernels do it when they are installed. */
const KERNEL = `#!/bin/sh
[ "$1" != configure ] || run-parts --arg="$\{DPKG_MAINTSCRIPT_PACKAGE#linux-image-}" /etc/kernel/postinst.d
`;
const kernel = (version: string): TestPackage => ({
  name: `linux-image-${version}-amd64`,
  version: `${version}-1`,
  files: { [`/boot/vmlinuz-${version}-amd64`]: version },
  scripts: { postinst: KERNEL },
});

const INSTALLED: readonly TestPackage[] = [
  { name: "cbox-fixed", version: "1.0", files: { [CONF]: "as it was\n" } },
  { name: "cbox-point", version: "1.0" },
  { name: "cbox-backport", version: "1.0" },
  { name: "cbox-other", version: "1.0" },
  { name: "cbox-needy", version: "1.0" },
  { name: "cbox-postinst", version: "1.0" },
  { name: "cbox-preinst", version: "1.0" },
  ...["6.12.1", "6.12.2"].map(kernel),
  { name: "linux-image-cbox", version: "1.0", depends: "linux-image-6.12.2-amd64" },
];
const OFFERED: Readonly<Record<ArchiveId, readonly TestPackage[]>> = {
  security: [
    { name: "cbox-fixed", version: "1.1", files: { [CONF]: "as it should be\n" } },
    { name: "cbox-needy", version: "1.1", depends: "cbox-needed" },
    kernel("6.12.3"),
    { name: "linux-image-cbox", version: "1.1", depends: "linux-image-6.12.3-amd64" },
  ],
  point: [
    { name: "cbox-point", version: "1.1" },
    { name: "cbox-needed", version: "1.0" },
  ],
  backports: [{ name: "cbox-backport", version: "1.1" }],
  elsewhere: [{ name: "cbox-other", version: "1.1" }],
};
const CUT: readonly TestPackage[] = ["postinst", "preinst"].map((script) => ({
  name: `cbox-${script}`,
  version: "1.1",
  scripts: { [script]: wait(script) },
}));

/** What the service does before. */
const MENDING = readFileSync(
  join(OVERLAYS, "image/files/usr/lib/systemd/system/apt-daily-upgrade.service.d/community-box-mend.conf"),
  "utf8",
)
  .split("\n")
  .flatMap((line) => /^ExecStartPre=-(.+)$/.exec(line)?.[1] ?? []);

const image = { community: loadCommunity("guifi") } as unknown as ImageInfo;

const BOARDS = [
  { release: "trixie", architecture: "amd64", profile: "container-amd64" },
  { release: "bookworm", architecture: "i386", profile: "jetway-jbc362f36-i386" },
];
/** By the processor alone: emulated, the programs of a whole update take many times as long. */
const runsHere = (architecture: string) => {
  const state = foreignState(thisHost, architecture);
  return state.kind === "runs" && state.by === THIS_PROCESSOR;
};
const here = BOARDS.filter(({ architecture }) => runsHere(architecture));
if (here.length < BOARDS.length)
  console.warn("updates of i386 are not tried: this kernel runs no such programs");

describe.each(here)("updates on $release", ({ release, architecture, profile: profileId }) => {
  const root = join(cacheDir(), "work", `updates-${release}`);
  const home = join(cacheDir(), "work", `updates-${release}.gnupg`);
  let box: ChrootBox;

  beforeAll(async () => {
    const session = createSession({ logDirectory: join(cacheDir(), "log", "updates") });
    const workspace = openWorkspace({ session });
    const plan = await resolve(profileId, { community: "guifi" });
    const layer = await base(workspace, plan, await workspace.packages(release, architecture, ["base"]));
    for (const path of [root, home]) rmSync(path, { recursive: true, force: true });
    await session.run(["cp", "--archive", layer.root, root]);
    const settings = "etc/apt/apt.conf.d/55community-box-updates";
    cpSync(join(OVERLAYS, "image/files", settings), join(root, settings));

    spawnSync("ip", ["netns", "delete", NAMESPACE]);
    execFileSync("ip", ["netns", "add", NAMESPACE]);
    box = chrootBox(root, NAMESPACE);
    await box.writeFile("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");

    mkdirSync(home, { recursive: true, mode: 0o700 });
    gpg("--quick-gen-key", "archive@example.net", "ed25519", "sign", "never");
    writeFileSync(join(root, "usr/share/keyrings/test.gpg"), gpg("--export"));
    for (const [id, packages] of Object.entries(OFFERED)) offer(id as ArchiveId, packages);
    await box.writeFile(
      "/etc/apt/sources.list",
      Object.entries(ARCHIVES)
        .map(
          ([id, { suite }]) =>
            `deb [signed-by=/usr/share/keyrings/test.gpg] copy:/srv/${id} ${release}${suite} main\n`,
        )
        .join(""),
    );
    for (const each of INSTALLED) await runOrFail("dpkg", "--install", inside(build(each)));
    await runOrFail("apt-mark", "auto", "linux-image-6.12.1-amd64", "linux-image-6.12.2-amd64");
    await box.writeFile(CONF, "as its owner wants it\n");
    // No init runs here that could be told; what it would be told is written down.
    rmSync(join(root, "usr/sbin/shutdown"), { force: true });
    writeFileSync(join(root, "usr/sbin/shutdown"), '#!/bin/sh\necho "$*" >>/shutdowns\n', { mode: 0o755 });
  });

  afterAll(() => {
    spawnSync("gpgconf", ["--homedir", home, "--kill", "all"]);
    spawnSync("ip", ["netns", "delete", NAMESPACE]);
    for (const path of [root, home]) rmSync(path, { recursive: true, force: true });
  });

  test("install security fixes and nothing else, and keep changed settings", async () => {
    await updateBox(box, image, "restart");
    await runOrFail("/usr/lib/apt/apt.systemd.daily", "update");
    await runOrFail("/usr/lib/apt/apt.systemd.daily", "install");
    expect(await versions("cbox-fixed", "cbox-point", "cbox-backport", "cbox-other")).toEqual([
      "cbox-fixed 1.1",
      "cbox-point 1.0",
      "cbox-backport 1.0",
      "cbox-other 1.0",
    ]);
    expect(await box.readFile(CONF)).toBe("as its owner wants it\n");
    expect(await box.readFile(`${CONF}.dpkg-dist`)).toBe("as it should be\n");
  });

  test("hold back and name a fix that needs a package from elsewhere, until it is installed by hand", async () => {
    expect(await versions("cbox-needy")).toEqual(["cbox-needy 1.0"]);
    expect(await keptBack(box)).toEqual(["cbox-needy"]);
    await runOrFail("apt-get", "install", "--assume-yes", "cbox-needy");
    expect(await versions("cbox-needy")).toEqual(["cbox-needy 1.1"]);
    await runOrFail("unattended-upgrade", "-v");
    expect(await keptBack(box)).toEqual([]);
  });

  test("schedule a restart for the night after a new kernel, and remove the oldest kernel", async () => {
    // Each run says it again.
    expect(await box.readFile("/shutdowns")).toMatch(/^(-r 04:43\n)+$/);
    const said = await runOrFail("unattended-upgrade", "-v");
    expect(readdirSync(join(root, "boot")).sort(), said).toEqual([
      "vmlinuz-6.12.2-amd64",
      "vmlinuz-6.12.3-amd64",
    ]);
    await writeChoices(box, { updates: "restart" });
    expect(await readUpdates(box)).toMatchObject({
      restart_due: true,
      known_until: expect.stringMatching(/^20\d\d-/),
    });
  });

  test.each(["postinst", "preinst"])(
    "complete a run that a power cut ended in the middle of a package (%s)",
    async (script) => {
      await updateBox(box, image, "fixes");
      offer("security", [...OFFERED.security, ...CUT.filter(({ name }) => name.endsWith(script))]);
      await runOrFail("apt-get", "update");
      await box.writeFile(`/wait-in-${script}`, "");
      const running = box.start(["unattended-upgrade"]);
      await until(() => existsSync(join(root, "waiting")));
      // Who switches a service on meanwhile waits: firstboot/services/packages.ts knows these words.
      expect((await box.run("dpkg", ["--configure", "-a"])).stderr).toMatch(IS_BUSY);
      running.kill("SIGKILL");
      await until(() => !isInUse());
      await box.remove("/waiting");
      await box.remove(`/wait-in-${script}`);
      expect(await state(`cbox-${script}`)).toMatch(/^(half-configured|half-installed|unpacked)/);

      for (const command of MENDING) await runOrFail("sh", "-c", command);
      await runOrFail("unattended-upgrade", "-v");
      expect(await state(`cbox-${script}`)).toBe("installed 1.1");
      expect(await runOrFail("dpkg", "--audit")).toBe("");
    },
  );

  test("include a kernel from backports, where the board's profile has one", async () => {
    const source = join(OVERLAYS, "backports/files/etc/apt/apt.conf.d/56community-box-backports.hbs");
    const data = { profile: { kernel: { suite: `${release}-backports` } } };
    const target = "etc/apt/apt.conf.d/56community-box-backports.hbs";
    const { path, content } = await finishFile({ source, target }, data);
    await box.writeFile(`/${path}`, content.toString());
    await runOrFail("unattended-upgrade", "-v");
    expect(await versions("cbox-backport", "cbox-point", "cbox-other")).toEqual([
      "cbox-backport 1.1",
      "cbox-point 1.0",
      "cbox-other 1.0",
    ]);
  });

  async function runOrFail(command: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await box.run(command, args, { timeout: 600_000 });
    const log = (await box.readFile(LOG)) ?? "";
    expect(code, `${command} ${args.join(" ")}\n${stdout}\n${stderr}\n${log}`).toBe(0);
    return stdout;
  }

  function query(format: string, ...names: string[]): Promise<string> {
    return runOrFail("dpkg-query", "--show", "--showformat", `${format}\\n`, ...names);
  }

  async function versions(...names: string[]): Promise<string[]> {
    const lines = (await query("$" + "{Package} $" + "{Version}", ...names)).trim().split("\n");
    return names.map((name) => lines.find((line) => line.startsWith(`${name} `)) ?? `${name}: not there`);
  }

  async function state(name: string): Promise<string> {
    return (await query("$" + "{db:Status-Status} $" + "{Version}", name)).trim();
  }

  function gpg(...args: string[]): Buffer {
    return execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", "--passphrase", "", ...args], {
      stdio: ["ignore", "pipe", "ignore"],
    });
  }

  /** Whether a program runs in the root file system. */
  function isInUse(): boolean {
    return readdirSync("/proc").some((pid) => {
      try {
        return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/root`) === root;
      } catch {
        return false;
      }
    });
  }

  /** Path in the root file system. */
  const inside = (path: string) => path.slice(root.length);

  /** Makes the .deb; returns its path on this machine. */
  function build({ name, version, depends, files = {}, scripts = {} }: TestPackage): string {
    const tree = join(root, "srv/build", `${name}_${version}`);
    const put = (path: string, text: string, mode = 0o644) => {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), text, { mode });
    };
    const fields = {
      ...{ Package: name, Version: version, Architecture: "all", Maintainer: "Test <test@example.net>" },
      ...{ ...(depends ? { Depends: depends } : {}), Description: "for a test" },
    };
    put(
      "DEBIAN/control",
      Object.entries(fields)
        .map(([key, value]) => `${key}: ${value}\n`)
        .join(""),
    );
    const conffiles = Object.keys(files).filter((path) => path.startsWith("/etc/"));
    if (conffiles.length > 0) put("DEBIAN/conffiles", `${conffiles.join("\n")}\n`);
    for (const [script, text] of Object.entries(scripts)) put(`DEBIAN/${script}`, text, 0o755);
    for (const [path, text] of Object.entries(files)) put(path, text);
    chmodSync(tree, 0o755);
    execFileSync("dpkg-deb", ["--root-owner-group", "--build", tree, `${tree}.deb`]);
    return `${tree}.deb`;
  }

  /** Lays an archive out below /srv, with these packages, signed. */
  function offer(id: ArchiveId, packages: readonly TestPackage[]): void {
    const { origin, label, suite } = ARCHIVES[id];
    const top = join(root, "srv", id);
    const dists = join(top, "dists", `${release}${suite}`);
    const index = `main/binary-${architecture}/Packages`;
    mkdirSync(dirname(join(dists, index)), { recursive: true });
    const stanzas = packages.map((each) => {
      const deb = build(each);
      const file = `pool/${each.name}_${each.version}_all.deb`;
      mkdirSync(join(top, "pool"), { recursive: true });
      cpSync(deb, join(top, file));
      const control = execFileSync("dpkg-deb", ["--field", deb], { encoding: "utf8" }).trimEnd();
      return `${control}\nFilename: ${file}\nSize: ${statSync(deb).size}\nSHA256: ${sha256(readFileSync(deb))}\n`;
    });
    const body = Buffer.from(stanzas.join("\n"));
    writeFileSync(join(dists, index), body);
    const fields = {
      ...{ Origin: origin, Label: label, Suite: `stable${suite}`, Codename: `${release}${suite}` },
      ...{ Architectures: `all ${architecture}`, Components: "main", Date: new Date().toUTCString() },
      // As Debian marks what nobody gets who has not asked for it.
      ...(id === "backports" ? { NotAutomatic: "yes", ButAutomaticUpgrades: "yes" } : {}),
      SHA256: `\n ${sha256(body)} ${body.length} ${index}`,
    };
    const text = Object.entries(fields).map(([key, value]) => `${key}: ${value}\n`);
    writeFileSync(join(dists, "Release"), text.join("").replace("SHA256: \n", "SHA256:\n"));
    rmSync(join(dists, "InRelease"), { force: true });
    gpg("--clearsign", "--output", join(dists, "InRelease"), join(dists, "Release"));
  }
});

async function until(isSo: () => boolean): Promise<void> {
  for (let tenths = 0; !isSo(); tenths++) {
    if (tenths > 600) throw new Error(`after a minute still not: ${isSo}`);
    await delay(100);
  }
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
