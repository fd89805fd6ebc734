// SPDX-License-Identifier: GPL-3.0-or-later
// A plain Debian of somebody's own becomes a box: by the one file, without a network, with the power cut in the middle of
// it; then the set-up. What was the owner's before is the owner's afterwards, to the byte.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cacheDir } from "../../image/cache-dir.ts";
import { buildCommand, defaultOut } from "../../image/commands/build.ts";
import { machineOf, resolveProfile } from "../../image/profile/index.ts";
import { createSession } from "../../image/session.ts";
import { openWorkspace } from "../../image/workspace.ts";
import { type PlainDebian, plainDisk, plainRoot } from "../plain-debian.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import { HEALTHY, health } from "./observations.ts";

const PROFILE = "convert-amd64";
const PASSWORD = "el paraigua de la padrina";
/** Of the set-up; the machine's own account. */
const ANSWERS = `version: 1
system: { language: en, owner: { name: marta } }
contexts: { share: half }
services: { serf: { enabled: false } }
`;
/** Debian's own installer brings them. */
const OWN_PACKAGES = ["tzdata", "login"];
/** What an owner does to her machine. The groups are those of Debian's own installer. */
const OWNER = [
  "useradd --create-home --shell /bin/bash --groups adm marta",
  `echo "marta:${PASSWORD}" | chpasswd`,
  "install -d -m 700 -o marta -g marta /home/marta/.ssh",
  'echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwnKeyOfMartaForTheTestOfConverting marta" > /home/marta/.ssh/authorized_keys',
  'printf "Port 2222\\nPermitRootLogin no\\n" > /etc/ssh/sshd_config.d/marta.conf',
];
/** Unpacking and contexts on an emulated processor. */
const SLOW = { timeoutMs: 1_200_000 };
const FILE = "/root/box.run";

/** Everything that must be the same before and after. */
const OWN = [
  "grep -E '^(root|marta):' /etc/passwd /etc/shadow /etc/group",
  "id marta",
  "cat /etc/hostname /etc/hosts /etc/fstab /proc/cmdline",
  "find /etc/ssh /home/marta /etc/systemd/network /etc/apt -type f -exec sha256sum {} + | sort -k2",
  "ls -l /etc/resolv.conf /etc/localtime",
  "dpkg-query -W linux-image-amd64 systemd openssh-server",
  "lsblk -no NAME,PARTUUID,SIZE /dev/vda",
  "systemctl is-enabled ssh.service getty@tty1.service",
].join("; ");

let box: Box;
let before: string;

beforeAll(async () => {
  const { manifest } = await buildCommand(PROFILE, {});
  const directory = join(cacheDir(), "test/convert");
  const session = createSession({ logDirectory: join(directory, "log") });
  const profile = resolveProfile("vm-amd64");
  const plain: PlainDebian = { session, workspace: openWorkspace({ session }), profile, directory };
  // Its lock stays, so that the root is made once.
  await mkdir(directory, { recursive: true });
  const root = await plainRoot(plain, { packages: OWN_PACKAGES, customize: OWNER });
  const image = await plainDisk(plain, root, {
    files: {
      [FILE]: { from: join(defaultOut(PROFILE), manifest!.image.file) },
      "/root/answers.yaml": ANSWERS,
      "/etc/fstab": "LABEL=CBOX-ROOT / ext4 defaults 0 1\n",
      "/etc/hostname": "masoveria\n",
    },
    freeMib: 8192,
  });
  box = await createBox({ image, profile: machineOf(profile), memoryMib: 1536, diskMib: 16_384 });
  await box.powerOn();
  await box.expect(/masoveria login: /, { timeoutMs: BOOT_MS });
  // No image has them; a machine that was installed has.
  await box.ask("ssh-keygen -q -A; systemctl reset-failed ssh.service; systemctl restart ssh.service");
  expect(await health(box)).toEqual(HEALTHY);
  before = await box.ask(OWN);
});

afterAll(async () => {
  await box?.destroy();
});

describe("the file that converts a machine", () => {
  test("shows what it will do, and does nothing", async () => {
    const { stdout, stderr, code } = await box.shell(`sh ${FILE} --dry-run`, SLOW);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Installed, from this file \(\d+ MiB on the disk\):\n {4}community-box /m);
    expect(stdout).toContain(" nodejs ");
    expect(stdout).toContain("Nothing was changed.");
    expect(await box.ask("dpkg --get-selections community-box nodejs 2>/dev/null || true")).toBe("");
    expect(await box.ask("ls /var/lib | grep community || true")).toBe("");
  });

  test("goes on after the power was cut while it unpacked", async () => {
    await box.ask(`setsid sh ${FILE} --yes --no-setup >/root/first.log 2>&1 </dev/null &`);
    const half = "dpkg --list | grep -c ^iU || true";
    await box.ask(
      `until [ "$(${half})" -ge 5 ]; do grep ^error /root/first.log && exit 1; sleep 1; done`,
      SLOW,
    );
    await box.cutPower();
    await box.powerOn();
    await box.expect(/masoveria login: /, { timeoutMs: BOOT_MS });
    expect(Number(await box.ask(half))).toBeGreaterThan(0);
    const { stdout, code } = await box.shell(`sh ${FILE} --yes --no-setup 2>&1`, SLOW);
    expect(stdout).toContain("A change that was begun here and not ended goes on.");
    for (const words of ["unpacking", "setting up"])
      expect(stdout).toMatch(new RegExp(`^ {4}${words} \\d+ of \\d+: \\S`, "m"));
    expect(stdout).toContain("Done: this machine has all that a Community Box has.");
    expect(code).toBe(0);
    expect(await box.ask("dpkg --audit; ls /var/lib/community-box/convert")).toBe("packages-before");
    expect(await box.ask(OWN)).toBe(before);
  });

  test("switches on nothing before the set-up, and leaves the consoles alone", async () => {
    const units = "serf avahi-daemon.service avahi-daemon.socket incus.socket incus-startup lxcfs tinc";
    expect(await box.ask(`systemctl is-enabled ${units} | grep -vc disabled || true`)).toBe("0");
    expect(await box.ask(`systemctl is-active ${units} | grep -vc inactive || true`)).toBe("0");
    expect(await health(box)).toEqual(HEALTHY);
    expect(await box.ask("cbox status")).toContain("sudo cbox setup");
  });

  test("has nothing to do the second time", async () => {
    const again = await box.ask(`sh ${FILE} --yes --no-setup`, SLOW);
    expect(again).toContain("Nothing to do: Community Box");
  });
});

describe("the set-up of the machine", () => {
  test("is on the terminal where somebody calls for it, and may be left", async () => {
    const talk = "script --quiet --flush --return --command 'cbox setup' /root/typed </root/keys >/dev/null";
    await box.ask("mkfifo /root/keys; setsid sleep 1000 >/root/keys 2>/dev/null </dev/null &");
    await box.ask(`setsid sh -c "${talk}; echo \\$? >/root/code" >/dev/null 2>&1 </dev/null &`);
    await box.ask("until grep -q 'Press Enter to begin' /root/typed; do sleep 1; done", SLOW);
    expect((await box.shell("cbox setup --answers /root/answers.yaml")).stderr).toContain("[setup-busy]");
    await box.ask("printf '\\003' >/root/keys; until [ -s /root/code ]; do sleep 1; done", SLOW);
    expect(await box.ask("cat /root/code")).toBe("130");
    expect(await box.ask("cat /root/typed")).toContain("sudo cbox setup");
  });

  test("goes through by an answers file, with contexts in a file of its disk", async () => {
    const { stdout, stderr, code } = await box.shell("cbox setup --answers /root/answers.yaml", SLOW);
    expect(`${stderr}${code}`).toBe("0");
    expect(stdout).toContain("contexts");
    const { steps } = JSON.parse(await box.ask("cbox status --json", SLOW)) as {
      steps: { step: string; state: string }[];
    };
    const states = Object.fromEntries(steps.map(({ step, state }) => [step, state]));
    expect(states).toMatchObject({ system: "works", contexts: "works" });
    expect(await box.ask("incus storage get cbox source; incus storage get cbox size")).toMatch(
      /^\/var\/lib\/incus\/disks\/cbox\.img\n\d+MiB$/,
    );
    expect(await box.ask(OWN)).toBe(before);
    expect((await health(box)).failedUnits).toBe("");
  });

  test("leaves the owner her log-in at the console", async () => {
    box.type("");
    await box.expect(/masoveria login: /);
    // The prompt is drawn anew when an address comes or goes, and takes with it what was typed so far.
    for (let prompt = "", tries = 0; !prompt.startsWith("Password") && tries < 5; tries++) {
      box.type("marta");
      [prompt] = await box.expect(/Password: |masoveria login: /);
    }
    box.type(PASSWORD);
    await box.expect(/marta@masoveria:~\$ /);
  });

  test("can be taken back, with all that came", async () => {
    await box.ask("cbox reset --all --yes", SLOW);
    await box.ask("while [ -e /var/lib/community-box/resetting ]; do sleep 1; done", SLOW);
    await box.ask("DEBIAN_FRONTEND=noninteractive apt-get -y purge --autoremove community-box", SLOW);
    expect(
      await box.ask("ls -d /usr/lib/community-box /var/lib/community-box /usr/bin/node 2>/dev/null || true"),
    ).toBe("");
    expect(await box.ask(OWN)).toBe(before);
  });
});
