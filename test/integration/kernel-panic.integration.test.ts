// SPDX-License-Identifier: GPL-3.0-or-later
// Guests in QEMU whose kernel panics: a boot sector that writes such a line to its serial port and stops. On a terminal it
// is reset for a panic of the emulation's; a boot test ends at once for another one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { EMULATION_SENTENCE } from "../../image/guest/kernel-panic.ts";
import type { GuestProfile } from "../../image/guest/qemu.ts";
import { PROJECT } from "../../image/host/paths.ts";
import { createBox } from "../boot/harness.ts";
import { temporaryDirectory } from "../temporary.ts";

const LOADED_AT = 0x7c00;
/**
 * As the kernel writes it, with bytes that a terminal must get as they are. The panic's line is the last: what follows
 * it may be cut off by the reset, or have the sentence in its middle.
 */
const SAID = Buffer.concat([
  Buffer.from("\x1b[1m"),
  Buffer.from([0xc3, 0xa9, 0xff, 0x80]),
  Buffer.from("\r\n[    1.234567] Kernel panic - not syncing: Fatal exception\r\n"),
]);

/** QEMU leaves it to the terminal to return to the line's beginning at a line feed. */
const SHOWN = SAID.toString("latin1").replaceAll("\n", "\r\n");

const PROFILE: GuestProfile = {
  qemu: {
    ...{ system: "x86_64", machine: "pc", cpu: "max", memory_mib: 64 },
    ...{ disk: "ide", network: "virtio-net-pci", serial_port: 0 },
  },
};

/** Writes a text to the first serial port, byte by byte, and stops. */
function bootSector(text: Buffer): Buffer {
  const code = (text: number) => [
    ...[0x31, 0xc0, 0x8e, 0xd8], // xor ax,ax; mov ds,ax
    ...[0xbe, text & 0xff, text >> 8], // mov si,text
    ...[0xac, 0x84, 0xc0, 0x74, 0x12], // next: lodsb; test al,al; jz stop
    ...[0x88, 0xc3, 0xba, 0xfd, 0x03], // mov bl,al; mov dx,0x3fd
    ...[0xec, 0xa8, 0x20, 0x74, 0xfb], // wait: in al,dx; test al,0x20; jz wait
    ...[0x88, 0xd8, 0xba, 0xf8, 0x03, 0xee], // mov al,bl; mov dx,0x3f8; out dx,al
    ...[0xeb, 0xe9], // jmp next
    ...[0xf4, 0xeb, 0xfd], // stop: hlt; jmp stop
  ];
  const { length } = code(0);
  const disk = Buffer.alloc(1024 * 1024);
  Buffer.from(code(LOADED_AT + length)).copy(disk);
  text.copy(disk, length);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

test("a guest with an early panic is reset twice with a message, and its output reaches the terminal unchanged", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "disk.img"), bootSector(SAID));
  const program = join(directory, "guest.mts");
  const options = {
    disk: { path: join(directory, "disk.img"), format: "raw" },
    accelerator: "tcg",
    network: "none",
  };
  writeFileSync(
    program,
    `import { runOnTerminal } from ${JSON.stringify(join(PROJECT, "image/guest/terminal.ts"))};
const { signal } = new AbortController();
await runOnTerminal(${JSON.stringify(PROFILE)} as never, ${JSON.stringify(options)} as never, { directory: ${JSON.stringify(directory)}, signal });
console.log("ended well");
`,
  );
  const child = spawn("script", ["-qefc", `node --import tsx ${program}`, "/dev/null"], { cwd: PROJECT });
  const pieces: Buffer[] = [];
  let isLeft = false;
  const count = (what: string) => Buffer.concat(pieces).toString("latin1").split(what).length - 1;
  child.stdout.on("data", (bytes: Buffer) => {
    pieces.push(bytes);
    if (isLeft || count(SHOWN) < 3) return;
    isLeft = true;
    child.stdin.write("\x01x");
  });
  const [code] = await once(child, "close");
  expect(count(`\r\n${EMULATION_SENTENCE}\r\n`)).toBe(2);
  expect(count(SHOWN)).toBe(3);
  expect([code, count("ended well")]).toEqual([0, 1]);
});

test("a panic that is not the emulator's fault ends the waiting of a boot test, on the serial line and in its shell", async () => {
  const directory = temporaryDirectory();
  const image = join(directory, "disk.img");
  const panic = "[   42.123456] Kernel panic - not syncing: Fatal exception";
  writeFileSync(image, bootSector(Buffer.from(`\r\n${panic}\r\n`)));
  const box = await createBox({ image, profile: PROFILE, diskMib: 16 });
  onTestFinished(() => box.destroy());
  await box.powerOn();
  // Longer than any test may take: whoever waited for it would fail by that.
  const limit = { timeoutMs: 10 * 1_800_000 };
  const [line, shell] = await Promise.allSettled([box.expect(/never said/, limit), box.shell("true", limit)]);
  expect(line).toMatchObject({ reason: { message: expect.stringContaining(`was expected: ${panic}.`) } });
  expect(shell).toMatchObject({
    reason: { message: expect.stringContaining("The machine ended before it had answered: true") },
  });
});
