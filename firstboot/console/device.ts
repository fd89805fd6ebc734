// SPDX-License-Identifier: GPL-3.0-or-later
// A console in /dev as a port: opened without waiting for a modem line, set to raw mode, and reopened after a
// hang-up. A console that is missing (no such port, or EIO because nothing is behind it) is retried.

import { execFile } from "node:child_process";
import { close, constants, open, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { ReadStream, WriteStream } from "node:tty";
import { promisify } from "node:util";
import type { ConsoleInfo } from "../host/image-info.ts";
import type { Port } from "./terminal.ts";

export interface OpenPort extends Port {
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Called once, when the line is gone. */
  onGone(listener: () => void): void;
  close(): void;
}

const run = promisify(execFile);
const openFile = promisify(open);
const closeFile = promisify(close);

/** Opens the console, or returns undefined when nothing is behind it. */
export async function openConsole({ device, speed }: ConsoleInfo): Promise<OpenPort | undefined> {
  const path = `/dev/${device}`;
  try {
    // clocal first: without it an open() without O_NONBLOCK, such as libuv's, waits for a carrier. stty fails where
    // nothing is behind the name, so this also tests for the device.
    const line = speed === undefined ? [] : [String(speed)];
    await run("stty", ["-F", path, "sane", "clocal", "raw", "-echo", ...line], { timeout: 5000 });
    const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;
    const fd = await openFile(path, flags);
    try {
      return await ttyPort(device, new ReadStream(fd), new WriteStream(await openFile(path, flags)));
    } catch {
      await closeFile(fd).catch(() => {});
      return undefined;
    }
  } catch {
    return undefined;
  }
}

/** The terminal this process was started on, for the dry run. */
export function standardPort(): OpenPort {
  const { stdin, stdout } = process;
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.resume();
  return {
    name: "this terminal",
    isScreen: isScreen(terminalName()),
    write: (text) => void stdout.write(text),
    onData: (listener) => void stdin.on("data", listener),
    onGone: (listener) => void stdin.on("end", listener),
    close: () => {
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
    },
  };
}

/** Virtual consoles of the kernel: tty1 and so on. */
const isScreen = (device: string) => /^tty\d+$/.test(device);

function terminalName(): string {
  try {
    return basename(readlinkSync("/proc/self/fd/0"));
  } catch {
    return "";
  }
}

const CTRL_C = 0x03;

/** In raw mode the kernel does not turn Ctrl-C into a signal: here it hangs up. */
export function leavablePort(port: OpenPort): OpenPort {
  let leave = () => {};
  return {
    ...port,
    onGone: (listener) => {
      leave = listener;
      port.onGone(listener);
    },
    onData: (listener) => port.onData((bytes) => (bytes.includes(CTRL_C) ? leave() : listener(bytes))),
  };
}

async function ttyPort(name: string, input: ReadStream, output: WriteStream): Promise<OpenPort> {
  input.setRawMode(true);
  let goneListener: (() => void) | undefined;
  let isGone = false;
  const gone = () => {
    if (isGone) return;
    isGone = true;
    input.destroy();
    output.destroy();
    goneListener?.();
  };
  for (const stream of [input, output]) stream.on("error", gone).on("close", gone);
  input.on("end", gone);
  input.resume();
  return {
    name,
    isScreen: isScreen(name),
    write: (text) => {
      // Drop output that is not read: a cable without a terminal must not fill the memory.
      if (!isGone && output.writableLength < 64 * 1024) output.write(text);
    },
    onData: (listener) => void input.on("data", listener),
    onGone: (listener) => {
      goneListener = listener;
    },
    close: gone,
  };
}
