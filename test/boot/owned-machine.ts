// SPDX-License-Identifier: GPL-3.0-or-later
// A person's existing machine: a plain Debian with an account, keys and SSH settings, and the file that converts it
// into a box.
import { join } from "node:path";
import { expect } from "vitest";
import { buildCommand, defaultOut } from "../../image/commands/build.ts";
import type { Firmware } from "../../image/guest/qemu.ts";
import { plainMachine } from "../plain-debian.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import { HEALTHY, health } from "./observations.ts";

export const OWNER = { name: "marta", password: "el paraigua de la padrina" };
/** On the machine. */
export const FILE = "/root/box.run";
/** Of the set-up; the machine's own account. */
const ANSWERS = `version: 1
system: { language: en, owner: { name: marta } }
contexts: { share: half }
services: { serf: { enabled: false } }
`;
/** Debian's own installer brings them. */
const OWN_PACKAGES = ["tzdata", "login"];
/** What an owner does to her machine. The groups are those of Debian's own installer. */
const CUSTOMIZE = [
  "useradd --create-home --shell /bin/bash --groups adm marta",
  `echo "marta:${OWNER.password}" | chpasswd`,
  "install -d -m 700 -o marta -g marta /home/marta/.ssh",
  'echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwnKeyOfMartaForTheTestOfConverting marta" > /home/marta/.ssh/authorized_keys',
  'printf "Port 2222\\nPermitRootLogin no\\n" > /etc/ssh/sshd_config.d/marta.conf',
];

/** Everything that must be the same before and after. */
export const OWN = [
  "grep -E '^(root|marta):' /etc/passwd /etc/shadow /etc/group",
  "id marta",
  "cat /etc/hostname /etc/hosts /etc/fstab /proc/cmdline",
  "find /etc/ssh /home/marta /etc/systemd/network /etc/apt -type f -exec sha256sum {} + | sort -k2",
  "ls -l /etc/resolv.conf /etc/localtime",
  "dpkg-query -W 'linux-image-*' systemd openssh-server",
  "lsblk -no NAME,PARTUUID,SIZE /dev/vda",
  "systemctl is-enabled ssh.service getty@tty1.service",
].join("; ");

export interface OwnedMachine {
  /** Of the file that converts it. */
  readonly profile: string;
  /** Of the virtual machine that it is. */
  readonly machine: string;
  readonly firmware: Firmware;
  readonly packages?: readonly string[];
}

/** Started and in health, with the file and `/root/answers.yaml` on its disk. */
export async function startOwnedMachine(owned: OwnedMachine): Promise<Box> {
  const { manifest } = await buildCommand(owned.profile, {});
  const machine = await plainMachine(owned.machine, owned.profile, {
    packages: [...OWN_PACKAGES, ...(owned.packages ?? [])],
    customize: CUSTOMIZE,
    files: {
      [FILE]: { from: join(defaultOut(owned.profile), manifest!.image.file) },
      "/root/answers.yaml": ANSWERS,
      "/etc/hostname": "masoveria\n",
    },
    freeMib: 8192,
  });
  const { firmware } = owned;
  const box = await createBox({ ...machine, firmware, memoryMib: 1536, diskMib: 16_384 });
  try {
    await box.powerOn();
    await box.expect(/masoveria login: /, { timeoutMs: 2 * BOOT_MS });
    // No image has them; a machine that was installed has.
    await box.ask("ssh-keygen -q -A; systemctl reset-failed ssh.service; systemctl restart ssh.service");
    expect(await health(box)).toEqual(HEALTHY);
    return box;
  } catch (error) {
    await box.destroy();
    throw error;
  }
}
