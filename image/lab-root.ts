// SPDX-License-Identifier: GPL-3.0-or-later
// The root file system the lab's servers run in: Debian's own dnsmasq, Serf and friends, made once and cached.
import { join } from "node:path";
import { cacheDir } from "./cache/directory.ts";
import { createSession } from "./host/session.ts";
import { openWorkspace } from "./stages/workspace.ts";

/** Directory of the lab's root file system; made on first use (about half a minute). */
export async function labRoot(): Promise<string> {
  const session = createSession({ logDirectory: join(cacheDir(), "log", "lab") });
  const workspace = openWorkspace({ session });
  return (await session.stage("lab", "lab servers", () => workspace.lab())).root;
}
