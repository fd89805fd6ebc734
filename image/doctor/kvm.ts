// SPDX-License-Identifier: GPL-3.0-or-later
// Does KVM run a guest? /dev/kvm may be there and open while guests hang, so a guest of a few bytes is run. It counts
// to a hundred million before it answers: 0.1 s on a processor, and out of reach where KVM itself is only emulated
// (cloud machines without nested virtualization), which a kernel would not survive.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheDir } from "../cache/directory.ts";

const TOKEN = "cbox-guest-runs";
const TIME_LIMIT_MS = 5_000;

export interface KvmQuestion {
  readonly cache?: string;
  readonly isThere?: () => boolean;
  readonly probe?: () => Promise<boolean>;
}

/** Whether guests run under KVM. Tried once per boot of this machine, for 5 seconds at most, and remembered. */
export async function kvmWorks(question: KvmQuestion = {}): Promise<boolean> {
  const { cache = cacheDir(), isThere = kvmIsThere, probe = () => guestRuns("kvm") } = question;
  if (!isThere()) return false;
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const memory = join(cache, "kvm-probe.json");
  const remembered = recall(memory);
  if (remembered?.bootId === bootId) return remembered.works;
  const works = await probe();
  mkdirSync(cache, { recursive: true });
  writeFileSync(memory, `${JSON.stringify({ bootId, works })}\n`);
  return works;
}

/** Whether this user may use /dev/kvm at all. */
export function kvmIsThere(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs the tiny guest and waits for its token. */
export async function guestRuns(
  accelerator: "kvm" | "tcg",
  timeLimitMs: number = TIME_LIMIT_MS,
): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "cbox-kvm-"));
  const disk = join(folder, "boot-sector");
  writeFileSync(disk, bootSector(TOKEN));
  const guest = spawn(
    "qemu-system-x86_64",
    [
      ...[
        "-machine",
        `pc,accel=${accelerator}`,
        "-m",
        "16",
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
      ],
      ...["-debugcon", "stdio", "-drive", `file=${disk},format=raw,if=ide`],
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  try {
    return await says(guest, TOKEN, timeLimitMs);
  } finally {
    guest.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}

function says(guest: ChildProcess, token: string, timeLimitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    let heard = "";
    const timer = setTimeout(() => resolve(false), timeLimitMs);
    const settle = (works: boolean) => {
      clearTimeout(timer);
      resolve(works);
    };
    guest.stdout?.on("data", (chunk: Buffer) => {
      heard += chunk.toString("latin1");
      if (heard.includes(token)) settle(true);
    });
    guest.on("error", () => settle(false));
    guest.on("close", () => settle(false));
  });
}

/** A boot sector that counts, then writes `text` to QEMU's debug console, port 0xe9, and halts. */
export function bootSector(text: string): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(100_000_000);
  const code = [
    ...[0x66, 0xb9, ...count], // mov ecx, count
    ...[0x66, 0x49], // again: dec ecx
    ...[0x75, 0xfc], // jnz again
    ...[0x31, 0xc0], // xor ax, ax
    ...[0x8e, 0xd8], // mov ds, ax
    ...[0xbe, 0x1b, 0x7c], // mov si, text (the firmware loads the sector to 0x7c00)
    ...[0xac], // next: lodsb
    ...[0x84, 0xc0], // test al, al
    ...[0x74, 0x04], // jz end
    ...[0xe6, 0xe9], // out 0xe9, al
    ...[0xeb, 0xf7], // jmp next
    ...[0xf4], // end: hlt; the text follows, at 0x1b
  ];
  const sector = Buffer.alloc(512);
  Buffer.from([...code, ...Buffer.from(`${text}\0`, "latin1")]).copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

function recall(path: string): { readonly bootId: string; readonly works: boolean } | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { bootId: string; works: boolean };
  } catch {
    return undefined;
  }
}
