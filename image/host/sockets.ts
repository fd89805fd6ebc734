// SPDX-License-Identifier: GPL-3.0-or-later
// Connects to a Unix socket that a program which was just started will open.
import { once } from "node:events";
import { existsSync, watch } from "node:fs";
import { connect, type Socket } from "node:net";
import { basename, dirname } from "node:path";

/** @param signal aborted, with the reason, when the program has ended and will not open it any more. */
export async function connectWhenOpen(path: string, signal: AbortSignal): Promise<Socket> {
  for (;;) {
    await appears(path, signal);
    const socket = connect(path);
    try {
      await once(socket, "connect", { signal });
      // A program that is killed with unread data resets the connection; its end is noticed elsewhere.
      socket.on("error", () => {});
      return socket;
    } catch (error) {
      // The file exists a moment before the program listens on it.
      if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw error;
    }
  }
}

function appears(path: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(dirname(path), (_, name) => name === basename(path) && settle(resolve));
    const settle = (finish: () => void) => {
      watcher.close();
      signal.removeEventListener("abort", stop);
      finish();
    };
    const stop = () => settle(() => reject(signal.reason));
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    else if (existsSync(path)) settle(resolve);
  });
}
