// SPDX-License-Identifier: GPL-3.0-or-later
// The root file system for publishing and watching video in tests: Debian's ffmpeg, made once and cached.
import { join } from "node:path";
import { cacheDir } from "./cache/directory.ts";
import { createSession } from "./host/session.ts";
import { openWorkspace } from "./stages/workspace.ts";

/** Its directory, which must not be changed; made on first use (about a minute). */
export async function videoRoot(): Promise<string> {
  const session = createSession({ logDirectory: join(cacheDir(), "log", "video") });
  const workspace = openWorkspace({ session });
  return (await session.stage("video", "programs for video", () => workspace.video())).root;
}
