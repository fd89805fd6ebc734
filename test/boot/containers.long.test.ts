// SPDX-License-Identifier: GPL-3.0-or-later
// A box inside of a box: the image container-amd64 as a sliver of the community, by the real Incus in the real image
// of vm-amd64, and the same for ARM. First it waits for somebody at its console, then it sets itself up by
// answers.yaml.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { $ } from "zx";
import { buildCommand, defaultOut } from "../../image/commands/build.ts";
import { SECTOR } from "../../image/disk/layout.ts";
import { sha256 } from "../../image/host/sha256.ts";
import { labRoot } from "../../image/lab-root.ts";
import { CONTAINER_FILES } from "../../image/outputs/container.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { readManifest } from "../../image/published/manifest.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import { stepStates } from "./observations.ts";
import { subject } from "./subject.ts";

const ARCHITECTURES = [
  { host: "vm-amd64", profile: "container-amd64", firmware: "bios", machine: "x86_64" },
  { host: "vm-arm64", profile: "container-arm64", firmware: "efi64", machine: "aarch64" },
] as const;
const HOST = `version: 1
system: { language: en, hostname: masia, owner: { name: anna, password: "tres bous al corral" } }
network: { method: dhcp }
contexts: { share: most }
services: { serf: { enabled: false } }
`;
const SECRET = "dues oques a la bassa";
const INNER = `version: 1
system: { language: en, hostname: pallissa, owner: { name: berta, password: "${SECRET}" } }
network: { method: dhcp }
`;
/** Programs of the other processor are emulated while its images are made. */
const COLD_BUILD_MS = 7_200_000;
/** Contexts on an emulated processor; unpacking half a gigabyte there. */
const SLOW = { timeoutMs: 900_000 };
const PLACE = "/var/tmp";
const PARTS = [CONTAINER_FILES.incus, CONTAINER_FILES.rootfs];

describe.each(ARCHITECTURES)("$profile in Incus", ({ host, profile, firmware, machine }) => {
  let lab: Lab;
  let box: Box;

  beforeAll(async () => {
    for (const each of [host, profile]) await buildCommand(each, {});
    const it = await subject(host);
    lab = await labUp({ name: "inner", root: await labRoot(), community: loadCommunity("guifi") });
    box = await createBox({
      ...it,
      lab,
      firmware,
      memoryMib: 2048,
      ownDisk: true,
      files: { "answers.yaml": HOST },
    });
    await box.powerOn();
    await box.expect(/\[done\] Set-up is complete/, { timeoutMs: BOOT_MS + SLOW.timeoutMs });
    expect(await box.ask("incus list --all-projects --format csv --columns n", SLOW)).toBe(
      "community\nowner",
    );
    // Now that its root file system has grown there is room for the archive.
    await box.ask("systemctl poweroff");
    await box.poweredOff(BOOT_MS);
    const out = defaultOut(profile);
    const { name } = (await readManifest(out))!;
    const root = `${box.diskPath}?offset=${it.manifest.disk.partitions.root.start * SECTOR}`;
    for (const part of PARTS)
      await $({
        quiet: true,
      })`debugfs -w -R ${`write ${join(out, `${name}.${part}`)} ${PLACE}/${part}`} ${root}`;
    await box.powerOn();
    await box.expect(/masia login: /, { timeoutMs: BOOT_MS + SLOW.timeoutMs });
    // debugfs says nothing when the disk is full.
    for (const part of PARTS)
      expect(await box.ask(`sha256sum <${PLACE}/${part}`, SLOW)).toContain(
        await sha256(join(out, `${name}.${part}`)),
      );
  }, COLD_BUILD_MS);

  afterAll(async () => {
    await box?.destroy();
    await lab?.down();
  });

  const inside = (command: string) =>
    box.ask(`incus exec pallissa --project community -- sh -c '${command}'`, SLOW);

  test("starts as a sliver of the community, with the set-up on its console", async () => {
    await box.ask(
      `incus image import ${PLACE}/${CONTAINER_FILES.incus} ${PLACE}/${CONTAINER_FILES.rootfs} --alias box --project community`,
      SLOW,
    );
    await box.ask(
      "cbox contexts sliver create pallissa --image box --memory 384 --disk 2 --processes 400",
      SLOW,
    );
    await box.ask(
      `for i in $(seq 300); do incus console pallissa --project community --show-log | grep -q 'Press Enter to begin' && exit 0; sleep 1; done; exit 1`,
      SLOW,
    );
    expect(await inside("uname -m")).toBe(machine);
    expect(await inside("systemctl is-system-running --wait; systemctl --failed --no-legend")).toBe(
      "running",
    );
    expect(await inside('cut -d: -f2 /etc/shadow | grep -c "^[$]" || true')).toBe("0");
    expect(await inside("cat /etc/machine-id")).toMatch(/^[0-9a-f]{32}$/);
  });

  test("is set up by answers.yaml, without contexts of its own", async () => {
    await box.ask("incus stop pallissa --project community", SLOW);
    const push = "incus file push - pallissa/boot/answers.yaml --project community";
    await box.ask(`printf '%s' '${INNER}' | ${push}`, SLOW);
    await box.ask("incus start pallissa --project community", SLOW);
    await inside(
      "for i in $(seq 300); do test -e /var/lib/community-box/configured && exit 0; sleep 1; done; exit 1",
    );
    const states = stepStates(await inside("cbox status --json"));
    expect(states).toMatchObject({ system: "works", network: "works", contexts: "off" });
    expect(await inside("hostname; getent passwd berta | cut -d: -f1")).toBe("pallissa\nberta");
    expect(await inside("cat /boot/answers.yaml")).not.toContain(SECRET);
  });
});
