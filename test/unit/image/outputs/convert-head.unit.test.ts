// SPDX-License-Identifier: GPL-3.0-or-later
// The script that stands before the packages of a conversion: what it refuses, and what it says, on made-up machines.
// The change itself is tested on a real one (test/boot/convert.long.test.ts).

import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { createSession } from "../../../../image/host/session.ts";
import { sha256 } from "../../../../image/host/sha256.ts";
import { controlOf, conversionFile, inspectConversion } from "../../../../image/outputs/conversion.ts";
import { resolveProfile } from "../../../../image/profile/index.ts";
import type { Manifest } from "../../../../image/published/manifest.ts";

const TRIXIE = 'ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n';

/** Programs of a machine that is fit, on which nothing of ours is installed. */
const PROGRAMS: Readonly<Record<string, string>> = {
  id: "echo 0",
  dpkg: 'case $1 in --print-architecture) echo amd64 ;; --compare-versions) exec /usr/bin/dpkg "$@" ;; esac',
  "dpkg-query": "exit 1",
  df: "echo Filesystem; echo / 1 1 99000000 1 /",
  "apt-get":
    'case "$*" in *--simulate*) echo "Inst nodejs (20.19 Debian:trixie [amd64])"; echo "Inst libssl3t64 [3.5.1] (3.5.4 Debian:trixie [amd64])"; echo "Inst community-box (0.1.0 local-deb [amd64])";; *install*) echo "E: no room" >&2; exit 99 ;; esac',
  systemctl: "exit 1",
};

const top = mkdtempSync(join(tmpdir(), "cbox-convert-"));
const root = join(top, "machine");
const file = join(top, "box.run");

afterAll(() => rmSync(top, { recursive: true, force: true }));

function put(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function program(name: string, script: string): void {
  const path = join(top, "bin", name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

function run(...args: string[]) {
  const env = { ...process.env, CBOX_CONVERT_ROOT: root, CBOX_CONVERT_PATH: join(top, "bin") };
  const { status, stdout, stderr } = spawnSync("sh", [file, ...args], { encoding: "utf8", env, input: "" });
  return { status, stdout, stderr };
}

beforeEach(async () => {
  rmSync(top, { recursive: true, force: true });
  put("etc/os-release", TRIXIE);
  put("proc/meminfo", "MemTotal: 2015000 kB\n");
  put("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
  put("var/lib/x", "");
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  for (const [name, script] of Object.entries(PROGRAMS)) program(name, script);
  const kit = join(top, "kit");
  const control = controlOf(resolveProfile("convert-amd64"), "0.1.0", 900);
  mkdirSync(join(top, "deb/DEBIAN"), { recursive: true });
  writeFileSync(join(top, "deb/DEBIAN/control"), control);
  mkdirSync(join(top, "deb/usr/bin"), { recursive: true });
  writeFileSync(join(top, "deb/usr/bin/cbox"), "");
  const index = join(kit, "repository/dists/trixie/main/binary-amd64");
  mkdirSync(index, { recursive: true });
  writeFileSync(
    join(index, "Packages"),
    "Package: nodejs\nInstalled-Size: 102400\n\nPackage: zstd\nInstalled-Size: 5\n",
  );
  writeFileSync(join(kit, "control"), control);
  await makeFile();
});

/** Packs what is there; resolves to the SHA-256 of what is behind the script. */
async function makeFile(): Promise<string> {
  const kit = join(top, "kit");
  const build = ["--root-owner-group", "-Znone", "--build", join(top, "deb"), join(kit, "community-box.deb")];
  execFileSync("dpkg-deb", build);
  const payload = join(top, "payload.tar");
  execFileSync("tar", ["-cf", payload, "-C", kit, "."]);
  const identity = { version: "0.1.0", revision: "abc", architecture: "amd64", release: "trixie" };
  const sum = await sha256(payload);
  await conversionFile(payload, sum, identity, file);
  return sum;
}

/** Nothing may be left behind by a run that did not change the machine. */
const isClean = () => !existsSync(join(root, "var/lib/community-box"));

describe("the conversion program refuses", () => {
  const cases: [string, () => void, string, string, string][] = [
    [
      "anybody but root",
      () => program("id", "echo 1000"),
      "root-needed",
      "Only root can do this.",
      "sudo sh",
    ],
    [
      "another release",
      () =>
        put("etc/os-release", 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12"\n'),
      "convert-release",
      "Only Debian 13 (trixie) and Raspberry Pi OS on it, 64-bit, can be turned into a box.",
      "found: Debian GNU/Linux 12",
    ],
    [
      "a Raspberry Pi OS of 32 bits",
      () =>
        put("etc/os-release", 'ID=raspbian\nVERSION_CODENAME=trixie\nPRETTY_NAME="Raspbian GNU/Linux 13"\n'),
      "convert-release",
      "Only Debian 13",
      "found: Raspbian GNU/Linux 13",
    ],
    [
      "another processor",
      () => program("dpkg", "echo arm64"),
      "convert-architecture",
      "This file is for another kind of processor.",
      "take the file that ends in convert-arm64.run",
    ],
    [
      "a system without systemd",
      () => rmSync(join(root, "run/systemd"), { recursive: true }),
      "convert-init",
      "This system was not started by systemd.",
      "not in a chroot",
    ],
    [
      "a box that started as an image of ours",
      () => put("usr/lib/community-box/image.json", "{}"),
      "convert-is-box",
      "This machine is a Community Box already",
      "sudo cbox status",
    ],
    [
      "a machine with a newer version",
      () => program("dpkg-query", "echo 0.2.0"),
      "convert-newer",
      "A newer version is on this machine.",
      "0.2.0, and this file brings 0.1.0",
    ],
    [
      "a package system in the middle of something",
      () =>
        program(
          "dpkg",
          'case $1 in --print-architecture) echo amd64 ;; --audit) echo " vim half done" ;; esac',
        ),
      "convert-dpkg",
      "The package system of this machine is in the middle of something.",
      "sudo dpkg --configure -a",
    ],
    [
      "a machine whose Incus is in use",
      () => put("var/lib/incus/database/global/db.bin", ""),
      "convert-incus",
      "Incus is in use on this machine",
      "run the box as a container in your Incus",
    ],
    [
      "a full disk",
      () => program("df", "echo Filesystem; echo / 1 1 20000 1 /"),
      "convert-space",
      "There is too little room on the disk to unpack this file.",
      "19 MiB free in /var",
    ],
    [
      "a file that was cut short",
      () => truncateSync(file, 24_000),
      "convert-damaged",
      "This file is not complete.",
      "copy or download it again",
    ],
    [
      "a file with a wrong byte",
      () => execFileSync("sh", ["-c", `printf x | dd of='${file}' bs=1 seek=20000 conv=notrunc 2>/dev/null`]),
      "convert-damaged",
      "This file is damaged.",
      "another SHA-256",
    ],
    [
      "to replace a file of the machine",
      () => put("usr/bin/cbox", "somebody's own"),
      "convert-file",
      "A file of this machine is where the box needs to put its own.",
      "/usr/bin/cbox (of no package)",
    ],
    [
      "packages that do not go together",
      () =>
        program(
          "apt-get",
          'case "$*" in *--simulate*) echo "E: Unable to correct problems" >&2; exit 100 ;; esac',
        ),
      "convert-packages",
      "The packages of the box do not go together with those of this machine.",
      "found: E: Unable to correct problems",
    ],
    [
      "to ask where nobody can answer",
      () => {},
      "terminal-needed",
      "The question needs a terminal.",
      "--yes",
    ],
  ];

  test.each(cases)("%s", (_name, arrange, code, sentence, more) => {
    arrange();
    const { status, stderr } = run();
    expect(stderr).toContain(`[${code}]`);
    expect(stderr).toContain(`error: ${sentence}`);
    expect(stderr).toContain(more);
    expect(status).toBe(1);
    expect(isClean()).toBe(true);
  });

  test("an unknown option", () => {
    expect(run("--frce")).toMatchObject({ status: 2, stderr: expect.stringContaining("usage: sudo sh") });
  });
});

describe("the conversion program shows", () => {
  test("what stays and what is added, in 80 columns, and changes nothing", () => {
    const { status, stdout, stderr } = run("--dry-run");
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toContain("accounts and passwords, SSH, name and time zone, network (unchanged)");
    expect(stdout).toMatch(/Installed, from this file \(100 MiB on the disk\):\n {4}community-box nodejs\n/);
    expect(stdout).toMatch(/Brought up to date, since these need it:\n {4}libssl3t64\n/);
    expect(stdout).toMatch(/no other file is changed or replaced:\n {4}\/usr\/bin\/cbox\n/);
    expect(stdout).toContain("Nothing was changed.");
    expect(stdout).not.toContain("Note:");
    for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(isClean()).toBe(true);
  });

  test("notes for a small machine and for a Raspberry Pi", () => {
    put("proc/meminfo", "MemTotal: 430000 kB\n");
    put("sys/fs/cgroup/cgroup.controllers", "cpu io pids\n");
    const { stdout } = run("--dry-run");
    expect(stdout).toContain("Note: with 419 MiB of memory the box will have no contexts.");
    expect(stdout).toContain("cgroup_enable=memory");
  });

  test("that there is nothing to do where the same version is installed", () => {
    program("dpkg-query", 'case "$*" in *Status*) printf installed ;; *) printf 0.1.0 ;; esac');
    put("usr/lib/community-box/revision", "abc\n");
    put("var/lib/community-box/configured", "{}");
    put("var/lib/community-box/convert/packages-before", "bash\n");
    const { status, stdout } = run();
    expect(stdout).toContain("Nothing to do: Community Box 0.1.0 is on this machine.");
    expect(status).toBe(0);
  });
});

describe("the check of the finished file", () => {
  const inspect = async (sum: string) =>
    inspectConversion({
      session: createSession({ logDirectory: join(top, "log") }),
      manifest: { image: { raw_sha256: sum } } as Manifest,
      packed: file,
      scratch: join(top, "look"),
    });

  test("finds files that are missing, and files that must not be changed on somebody's machine", async () => {
    const place = join(top, "deb/etc/fstab");
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, "");
    expect(await inspect(await makeFile())).toEqual([
      "/etc/fstab is in the package: it has no business on somebody's own machine",
      "/usr/lib/community-box/cbox.mjs is not in the package",
      "/usr/lib/community-box/image.json is not in the package",
    ]);
  });

  test("finds a file that was changed after it was packed", async () => {
    expect(await inspect("0".repeat(64))).toEqual([
      `what follows the script in ${file} is not what was packed`,
    ]);
  });
});

describe("the conversion program", () => {
  test("prints one line for every package, and logs all output of APT", () => {
    const said = [
      "Need to get 0 B/272 MB of archives.",
      "Get:1 file:/kit nodejs amd64 20.19 [1 kB]",
      "Unpacking nodejs (20.19) ...",
      "Unpacking libssl3t64:amd64 (3.5.4) over (3.5.1) ...",
      "Setting up nodejs (20.19) ...",
      "Processing triggers for initramfs-tools (0.148) ...",
      "Processing triggers for libc-bin (2.41) ...",
    ];
    const plan = PROGRAMS["apt-get"]!.replace(
      '*install*) echo "E: no room" >&2; exit 99',
      `*install*) printf '%s\\n' '${said.join("' '")}'`,
    ).replace('echo "Inst nodejs', "echo 'Conf nodejs (20.19)'; echo \"Inst nodejs");
    program("apt-get", plan);
    const { stdout, stderr, status } = run("--yes");
    expect(stdout).toContain(
      [
        "",
        "    checking 3 packages",
        "    unpacking 1 of 3: nodejs",
        "    unpacking 2 of 3: libssl3t64:amd64",
        "    setting up 1 of 1: nodejs",
        "    making the initrd anew: minutes on a slow machine",
        "    finishing: libc-bin",
        "    writing all of it to the disk",
        "",
      ].join("\n"),
    );
    expect(readFileSync(join(root, "var/log/community-box/convert.log"), "utf8")).toBe(
      `${said.join("\n")}\n`,
    );
    // APT was content, and still the package is not there.
    expect(stderr).toContain("error: The package community-box is not whole. [convert-install]");
    expect(status).toBe(1);
  });

  test("stops when APT fails, shows its error, and says how to continue", () => {
    const { status, stderr, stdout } = run("--yes");
    expect(stderr).toContain("[convert-install]");
    expect(stderr).toContain("run this file again: it goes on where it stopped");
    expect(stderr).toContain("found: E: no room");
    expect(stdout).toContain("    E: no room\n");
    expect(stdout).not.toContain("Done:");
    expect(status).toBe(1);
    // What was there before is known to the next run.
    expect(readdirSync(join(root, "var/lib/community-box/convert"))).toEqual(["packages-before"]);
  });
});
