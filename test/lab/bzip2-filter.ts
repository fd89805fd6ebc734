// SPDX-License-Identifier: GPL-3.0-or-later
// The build machine's bzip2, for reading and writing Serf's service tags.
import { spawnSync } from "node:child_process";
import { fail } from "../../common/fail.ts";
import type { Filter } from "../../common/serf-payload.ts";

export const bzip2Filter: Filter = async (command, input) => {
  const { status, stdout } = spawnSync(command, { input, stdio: ["pipe", "pipe", "ignore"] });
  if (status === 0) return stdout;
  return fail({
    code: "tool-failed",
    what: `${command} could not do its work.`,
    hint: "apt-get install bzip2",
  });
};
