// SPDX-License-Identifier: GPL-3.0-or-later
// Where layers, downloaded packages and answers about this machine are kept between builds.
import { homedir } from "node:os";
import { join } from "node:path";

/** `$XDG_CACHE_HOME/community-box`, by default `~/.cache/community-box`. It may be deleted at any time. */
export function cacheDir(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "community-box");
}
