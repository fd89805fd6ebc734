// SPDX-License-Identifier: GPL-3.0-or-later
// Programs of a foreign architecture run by QEMU's user-mode emulator, which the kernel starts for them
// (binfmt_misc). The build registers it if it is not registered, also without systemd; existing registrations are not
// changed.
import { fail } from "../../common/fail.ts";
import type { Session } from "../host/session.ts";
import { type Host, thisHost } from "../host/this-host.ts";

interface Machine {
  /** QEMU's name of it. */
  readonly qemu: string;
  /** Class (1: 32 bits, 2: 64 bits) and machine number in the head of its programs, ELF specification. */
  readonly elf: readonly [bits: number, machine: number];
  /** Another architecture whose processors may run its programs too; whether the kernel allows it is tried. */
  readonly sharesProcessor?: "amd64";
}

const MACHINES: Readonly<Record<string, Machine>> = {
  amd64: { qemu: "x86_64", elf: [2, 0x3e] },
  i386: { qemu: "i386", elf: [1, 0x03], sharesProcessor: "amd64" },
  arm64: { qemu: "aarch64", elf: [2, 0xb7] },
  armhf: { qemu: "arm", elf: [1, 0x28] },
};

export const THIS_PROCESSOR = "this processor";
const BINFMT = "/proc/sys/fs/binfmt_misc";

export type ForeignState =
  /** They run already: on the processor, or by a registration that also works in a chroot. */
  | { readonly kind: "runs"; readonly by: string }
  /** They will run once `emulator` is registered. */
  | { readonly kind: "ready"; readonly emulator: string; readonly mounted: boolean }
  | { readonly kind: "no-emulator"; readonly program: string };

/** Whether programs of a Debian architecture run on this machine, or could. Changes nothing. */
export function foreignState(host: Host, architecture: string): ForeignState {
  const machine = MACHINES[architecture];
  if (!machine || architecture === host.architecture) return { kind: "runs", by: THIS_PROCESSOR };
  const registered = [ownName(machine), `qemu-${machine.qemu}`].flatMap((name) => {
    const entry = host.read(`${BINFMT}/${name}`);
    return entry?.startsWith("enabled") ? [{ name, entry }] : [];
  });
  // Flag F: the kernel holds the emulator open, so it need not be inside the chroot.
  const good = registered.find(({ entry }) => /^flags: \S*F/m.test(entry));
  if (good) return { kind: "runs", by: good.name };
  // The kernel prefers a registered emulator, so the processor is tried only when none is registered.
  if (registered.length === 0 && machine.sharesProcessor === host.architecture && host.runsI386())
    return { kind: "runs", by: THIS_PROCESSOR };
  const program = `qemu-${machine.qemu}-static`;
  const emulator = host.find(program);
  if (!emulator) return { kind: "no-emulator", program };
  const mounted = host.read(`${BINFMT}/status`) !== undefined;
  return { kind: "ready", emulator, mounted };
}

/**
 * Makes programs of this architecture run. A registration belongs to the kernel, not to a process: it stays until
 * the machine is switched off, and applies in every mount namespace.
 * @throws Failure `foreign-programs`
 */
export async function enableForeign(
  session: Session,
  architecture: string,
  host: Host = thisHost,
): Promise<void> {
  const state = foreignState(host, architecture);
  if (state.kind === "runs") return;
  try {
    if (state.kind !== "ready") throw new Error(state.kind);
    if (!state.mounted) await session.run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT]);
    const rule = registration(architecture, state.emulator);
    // By a program: the kernel needs the whole rule in one write.
    await session.run(["dd", `of=${BINFMT}/register`, "bs=1024", "status=none"], { input: rule });
  } catch (error) {
    fail(
      {
        code: "foreign-programs",
        what: `Programs for ${architecture} cannot be made to run on this machine.`,
        found: (error as Error).message,
        hint: "./cbox doctor; in a container: register qemu-user outside of it, or start it with --privileged",
      },
      { cause: error },
    );
  }
}

function ownName({ qemu }: Machine): string {
  return `cbox-${qemu}`;
}

/** A line for /proc/sys/fs/binfmt_misc/register: magic bytes of an architecture's programs, and their emulator. */
export function registration(architecture: string, emulator: string): string {
  const machine = MACHINES[architecture]!;
  const [bits, number] = machine.elf;
  const head = [0x7f, 0x45, 0x4c, 0x46, bits, 1, 1, ...new Array(9).fill(0), 2, 0, number, 0];
  // Compares the whole header except the byte for the operating system; types 2 and 3 are both programs.
  const mask = head.map((_, index) => (index === 7 ? 0 : index === 16 ? 0xfe : 0xff));
  const escaped = (bytes: readonly number[]) =>
    bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return `:${ownName(machine)}:M::${escaped(head)}:${escaped(mask)}:${emulator}:F`;
}
