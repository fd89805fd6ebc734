// SPDX-License-Identifier: GPL-3.0-or-later
// Can a sliver be a virtual machine here? /dev/kvm is not enough: it exists on machines where no guest can start.
// Therefore a guest with only a boot sector is started, which returns an exit code.

import type { Box } from "../host/box.ts";

export type VmObstacle = "processor" | "kvm" | "qemu" | "kvm-broken" | "memory";

/** The minimum for a system with its own kernel. */
export const VM_MEMORY_MIB = 512;

const QEMU: Readonly<Record<string, string>> = {
  amd64: "qemu-system-x86_64",
  arm64: "qemu-system-aarch64",
};
const PROBE = "/run/community-box/kvm-probe";
/** mov al,0x10; out 0xf4,al; hlt: QEMU's debug port turns 0x10 into the exit code 0x21. */
const SECTOR = Buffer.concat([
  Buffer.from([0xb0, 0x10, 0xe6, 0xf4, 0xf4]),
  Buffer.alloc(505),
  Buffer.from([0x55, 0xaa]),
]).toString("base64");
const ALIVE = 0x21;

/** Undefined if virtual machines work. */
export async function vmObstacle(
  box: Box,
  architecture: string,
  memoryMib: number,
): Promise<VmObstacle | undefined> {
  const cpus = (await box.readFile("/proc/cpuinfo")) ?? "";
  if (architecture === "amd64" && !/^flags\s*:.*\b(vmx|svm)\b/m.test(cpus)) return "processor";
  if (!(await box.exists("/dev/kvm"))) return "kvm";
  const qemu = QEMU[architecture];
  if (!qemu || (await box.run(qemu, ["--version"])).code !== 0) return "qemu";
  if (memoryMib < VM_MEMORY_MIB) return "memory";
  return architecture === "amd64" && !(await startsGuest(box, qemu)) ? "kvm-broken" : undefined;
}

async function startsGuest(box: Box, qemu: string): Promise<boolean> {
  await box.makeDirectory("/run/community-box");
  await box.run("sh", ["-c", `base64 -d >${PROBE}`], { input: SECTOR });
  const { code } = await box.run("timeout", [
    ...["--kill-after=2", "120", qemu, "-accel", "kvm", "-cpu", "host", "-m", "16", "-display", "none"],
    ...["-nodefaults", "-no-reboot", "-drive", `file=${PROBE},format=raw`],
    ...["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"],
  ]);
  await box.remove(PROBE);
  return code === ALIVE;
}
