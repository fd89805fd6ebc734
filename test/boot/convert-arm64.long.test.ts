// SPDX-License-Identifier: GPL-3.0-or-later
// The file for 64-bit ARM on somebody's own Debian there, in QEMU's -M virt: converted, set up with contexts, taken
// back. What may happen in between is tried where it is faster, in convert.long.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Box } from "./harness.ts";
import { HEALTHY, health, stepStates } from "./observations.ts";
import { FILE, OWN, startOwnedMachine } from "./owned-machine.ts";

const SLOW = { timeoutMs: 1_200_000 };
/** Its programs are emulated while packages and machine are made. */
const COLD_BUILD_MS = 3_600_000;

let box: Box;
let before: string;

beforeAll(async () => {
  box = await startOwnedMachine({
    profile: "convert-arm64",
    machine: "vm-arm64",
    firmware: "efi64",
    packages: ["grub-efi-arm64-unsigned"],
  });
  before = await box.ask(OWN);
}, COLD_BUILD_MS);

afterAll(async () => {
  await box?.destroy();
});

describe("convert-arm64", () => {
  test("converts the machine, and leaves the owner's settings unchanged", async () => {
    const { stdout, code } = await box.shell(`sh ${FILE} --yes --no-setup 2>&1`, SLOW);
    expect(stdout).toContain("Done: this machine has all that a Community Box has.");
    expect(code).toBe(0);
    expect(await box.ask("dpkg --audit")).toBe("");
    expect(await box.ask(OWN)).toBe(before);
    expect(await health(box)).toEqual(HEALTHY);
  });

  test("is set up by an answers file, with contexts in a file on its disk", async () => {
    const { stderr, code } = await box.shell("cbox setup --answers /root/answers.yaml", SLOW);
    expect(`${stderr}${code}`).toBe("0");
    const states = stepStates(await box.ask("cbox status --json", SLOW));
    expect(states).toMatchObject({ system: "works", contexts: "works" });
    expect(await box.ask("incus exec owner --project owner -- uname -m")).toBe("aarch64");
    expect(await box.ask(OWN)).toBe(before);
    expect((await health(box)).failedUnits).toBe("");
  });

  test("is removed again, with all that it added", async () => {
    await box.ask("cbox reset --all --yes", SLOW);
    await box.ask("while [ -e /var/lib/community-box/resetting ]; do sleep 1; done", SLOW);
    await box.ask("DEBIAN_FRONTEND=noninteractive apt-get -y purge --autoremove community-box", SLOW);
    expect(
      await box.ask("ls -d /usr/lib/community-box /var/lib/community-box /usr/bin/node 2>/dev/null || true"),
    ).toBe("");
    expect(await box.ask(OWN)).toBe(before);
  });
});
