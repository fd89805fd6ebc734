// SPDX-License-Identifier: GPL-3.0-or-later
// The images for Raspberry Pi boards on a machine that is no Pi, from a USB disk, with the kernel, the initrd and the
// command line of the finished CBOX-BOOT: what a Pi 4 does beyond the Pi 3 that QEMU has a model of, and all that can
// be seen of the image for a Pi 5 without one. Set up by answers.yaml, with contexts, and found by a neighbour.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paths } from "../../firstboot/host/paths.ts";
import { buildCommand } from "../../image/commands/build.ts";
import type { GuestProfile } from "../../image/guest/qemu.ts";
import { sha256 } from "../../image/host/sha256.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { memberWhere } from "../lab/serf.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as seen from "./observations.ts";
import { type Subject, subject } from "./subject.ts";

/** Emulated ARM cores on whatever this machine has. */
const SLOW = { timeoutMs: 2 * BOOT_MS };
/** Its programs are emulated while the image is made. */
const COLD_BUILD_MS = 3_600_000;
/** Two contexts, from the partition to the last check, by emulated ARM processors. */
const SET_UP = { timeoutMs: 1_800_000 };

const ANSWERS = `version: 1
system:
  language: en
  hostname: can-pi
  owner: { name: anna, password: "tres pomes al forn" }
network: { method: dhcp }
contexts: { share: half }
services: { serf: { enabled: true } }
`;

/** The device tree is taken along with kernel and initrd, but the machine describes itself. */
const BOARDS = [
  { id: "raspberry-pi", cpu: "cortex-a72", device_tree: "bcm2711-rpi-4-b", kernel: /^6\.12\./ },
  {
    id: "raspberry-pi-5",
    cpu: "cortex-a76",
    device_tree: "bcm2712-rpi-5-b",
    kernel: /^(6\.(1[89]|2)|[7-9])/,
  },
];

describe.each(BOARDS)(
  "$id on a generic virtual machine, from a USB disk",
  ({ id, cpu, device_tree, kernel }) => {
    let lab: Lab;
    let box: Box;
    let it: Subject;
    const VIRTUAL: GuestProfile["qemu"] = {
      system: "aarch64",
      machine: "virt",
      cpu,
      memory_mib: 2048,
      disk: "usb",
      network: "usb-net",
      screen: "virtio-gpu-pci",
      serial_port: 0,
      device_tree,
    };

    beforeAll(async () => {
      await buildCommand(id, {});
      it = await subject(id);
      lab = await labUp({ name: "pitest", root: await labRoot(), community: loadCommunity("guifi") });
      box = await createBox({
        ...it,
        profile: { ...it.profile, qemu: VIRTUAL },
        lab,
        ownDisk: true,
        serial: false,
        files: { "answers.yaml": ANSWERS, "ca.pem": lab.authority() },
      });
      await box.powerOn();
    }, COLD_BUILD_MS);

    afterAll(async () => {
      await box?.destroy();
      await lab?.down();
    });

    test("starts with the board's own kernel, and shows the set-up on its screen", async () => {
      // It has no serial line: its shell answers when it has started.
      await seen.onScreen(box, "Community Box set-up", SLOW);
      expect(await box.ask("uname -r", SLOW)).toMatch(kernel);
      expect(await box.ask("uname -m; nproc; findmnt -no SOURCE / | cut -c6-7", SLOW)).toBe("aarch64\n2\nsd");
    });

    test("is set up by answers.yaml, with contexts, and found by a neighbour", async () => {
      await box.ask(`until [ -e ${paths.configured} ]; do sleep 5; done`, SET_UP);
      expect(await seen.health(box)).toEqual(seen.HEALTHY);
      expect(await seen.rootSize(box)).toBeGreaterThan(2 * it.manifest.disk.partitions.root.size * 512);
      const states = seen.stepStates(await box.ask("cbox status --json", SLOW));
      const works = Object.keys(states).filter((step) => states[step] === "works");
      expect(works).toEqual(["system", "network", "vpn", "contexts", "services"]);
      await memberWhere(lab, ({ name, status }) => name.endsWith("-can-pi") && status === "alive");
    });

    test("leaves the image unchanged", async () => {
      expect(await sha256(it.image)).toBe(it.manifest.image.raw_sha256);
    });
  },
);
