// SPDX-License-Identifier: GPL-3.0-or-later
// A person's existing Debian becomes a box: by one file, without a network, with the power cut in the middle of it;
// then the set-up. The owner's files are the same afterwards, byte by byte.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BOOT_MS, type Box } from "./harness.ts";
import { HEALTHY, health, stepStates } from "./observations.ts";
import { FILE, OWN, OWNER, startOwnedMachine } from "./owned-machine.ts";

/** Unpacking and contexts on an emulated processor. */
const SLOW = { timeoutMs: 1_200_000 };

let box: Box;
let before: string;

beforeAll(async () => {
  box = await startOwnedMachine({
    profile: "convert-amd64",
    machine: "vm-amd64",
    firmware: "bios",
  });
  before = await box.ask(OWN);
});

afterAll(async () => {
  await box?.destroy();
});

describe("the conversion program", () => {
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

  test("continues after a power cut while it unpacked", async () => {
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

  test("enables nothing before the set-up, and leaves the consoles alone", async () => {
    const units = "serf avahi-daemon.service avahi-daemon.socket incus.socket incus-startup lxcfs tinc";
    expect(await box.ask(`systemctl is-enabled ${units} | grep -vc disabled || true`)).toBe("0");
    expect(await box.ask(`systemctl is-active ${units} | grep -vc inactive || true`)).toBe("0");
    expect(await health(box)).toEqual(HEALTHY);
    expect(await box.ask("cbox status")).toContain("sudo cbox setup");
  });

  test("has nothing to do when it runs again", async () => {
    const again = await box.ask(`sh ${FILE} --yes --no-setup`, SLOW);
    expect(again).toContain("Nothing to do: Community Box");
  });
});

describe("the set-up of a converted machine", () => {
  test("runs on the terminal where it is called, and can be left", async () => {
    const talk = "script --quiet --flush --return --command 'cbox setup' /root/typed </root/keys >/dev/null";
    await box.ask("mkfifo /root/keys; setsid sleep 1000 >/root/keys 2>/dev/null </dev/null &");
    await box.ask(`setsid sh -c "${talk}; echo \\$? >/root/code" >/dev/null 2>&1 </dev/null &`);
    await box.ask("until grep -q 'Press Enter to begin' /root/typed; do sleep 1; done", SLOW);
    expect((await box.shell("cbox setup --answers /root/answers.yaml")).stderr).toContain("[setup-busy]");
    await box.ask("printf '\\003' >/root/keys; until [ -s /root/code ]; do sleep 1; done", SLOW);
    expect(await box.ask("cat /root/code")).toBe("130");
    expect(await box.ask("cat /root/typed")).toContain("sudo cbox setup");
  });

  test("completes with an answers file, with contexts in a file on the disk", async () => {
    const { stdout, stderr, code } = await box.shell("cbox setup --answers /root/answers.yaml", SLOW);
    expect(`${stderr}${code}`).toBe("0");
    expect(stdout).toContain("contexts");
    const states = stepStates(await box.ask("cbox status --json", SLOW));
    expect(states).toMatchObject({ system: "works", contexts: "works" });
    for (const pool of ["cbox-owner", "cbox-community"]) {
      const about = await box.ask(`incus storage get ${pool} source; incus storage get ${pool} size`);
      expect(about).toMatch(new RegExp(`^/var/lib/incus/disks/${pool}\\.img\\n\\d+MiB$`));
    }
    expect(await box.ask(OWN)).toBe(before);
    expect((await health(box)).failedUnits).toBe("");
  });

  test("keeps the owner's login at the console", async () => {
    box.type("");
    await box.expect(/masoveria login: /);
    // The prompt is drawn again when an address is added or removed, which discards what was typed so far.
    for (let prompt = "", tries = 0; !prompt.startsWith("Password") && tries < 5; tries++) {
      box.type(OWNER.name);
      [prompt] = await box.expect(/Password: |masoveria login: /);
    }
    box.type(OWNER.password);
    await box.expect(/marta@masoveria:~\$ /);
  });

  test("can be undone, with all that it added", async () => {
    await box.ask("cbox reset --all --yes", SLOW);
    await box.ask("while [ -e /var/lib/community-box/resetting ]; do sleep 1; done", SLOW);
    await box.ask("DEBIAN_FRONTEND=noninteractive apt-get -y purge --autoremove community-box", SLOW);
    expect(
      await box.ask("ls -d /usr/lib/community-box /var/lib/community-box /usr/bin/node 2>/dev/null || true"),
    ).toBe("");
    expect(await box.ask(OWN)).toBe(before);
  });
});
