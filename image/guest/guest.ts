// SPDX-License-Identifier: GPL-3.0-or-later
// Starts a guest. It never outlives the process that started it, not even when that one is killed.
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { kvmWorks } from "../doctor/index.ts";
import { type GuestOptions, type GuestProfile, qemuCommand } from "./qemu.ts";

export interface GuestEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Guest {
  readonly pid: number;
  /** Resolves when the guest has ended, by itself or by {@link Guest.kill}. */
  readonly ended: Promise<GuestEnd>;
  /** Kills the guest, like a power cut, and waits until the process has ended. */
  kill(): Promise<void>;
}

export interface StartOptions {
  readonly stdio?: StdioOptions;
  /** Aborting it kills the guest. */
  readonly signal?: AbortSignal;
}

export async function startGuest(
  profile: GuestProfile,
  options: GuestOptions,
  { stdio = "ignore", signal }: StartOptions = {},
): Promise<Guest> {
  const command = qemuCommand(profile, options);
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...command], { stdio });
  const ended = new Promise<GuestEnd>((resolve) =>
    child.once("exit", (code, name) => resolve({ code, signal: name })),
  );
  const pid = await started(child);
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  signal?.addEventListener("abort", () => void kill(), { once: true });
  if (signal?.aborted) await kill();
  return { pid, ended, kill };
}

function started(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve(child.pid!));
    child.once("error", reject);
  });
}

/** How a guest runs on this machine: by KVM where it has been seen to run a PC, else emulated. */
export async function accelerator({ qemu }: GuestProfile): Promise<"kvm" | "tcg"> {
  const isPc = qemu.system === "x86_64" || qemu.system === "i386";
  return isPc && (await kvmWorks()) ? "kvm" : "tcg";
}
