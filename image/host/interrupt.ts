// SPDX-License-Identifier: GPL-3.0-or-later
// Ctrl-C and SIGTERM as one signal for everything that runs: programs are stopped, temporary files removed, and the
// process ends with a message. A second Ctrl-C ends it at once.
let controller: AbortController | undefined;

/** The process-wide interruption; handlers are installed on first use. */
export function interruption(): AbortSignal {
  if (!controller) {
    const made = new AbortController();
    controller = made;
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(name, () => {
        if (made.signal.aborted) process.exit(130);
        made.abort();
      });
    }
  }
  return controller.signal;
}
