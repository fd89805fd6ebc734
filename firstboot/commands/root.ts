// SPDX-License-Identifier: GPL-3.0-or-later
// Commands that change the box need root; the hint is the same command with sudo.

import { fail } from "../../common/fail.ts";
import { errorText } from "../host/error-text.ts";

/** Fails with `root-needed`. */
export function needRoot(command: string): void {
  if (process.getuid?.() === 0) return;
  fail({ code: "root-needed", ...errorText("error.root-needed", { command: `sudo ${command}` }) });
}
