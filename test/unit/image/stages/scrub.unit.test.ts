// SPDX-License-Identifier: GPL-3.0-or-later
// What a root file system has of the machine that made it, and must not have in an image.
import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createSession } from "../../../../image/host/session.ts";
import { scrub } from "../../../../image/stages/scrub.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const APT_ACCOUNT = 42;

test.runIf(process.getuid?.() === 0)(
  "APT's folders belong to root, whether or not APT's own account could access them in the build",
  async () => {
    const root = temporaryDirectory();
    const folders = ["var/cache/apt/archives/partial", "var/lib/apt/lists/partial"].map((path) =>
      join(root, path),
    );
    for (const folder of [join(root, "etc"), ...folders]) mkdirSync(folder, { recursive: true });
    for (const folder of folders) {
      chownSync(folder, APT_ACCOUNT, 0);
      chmodSync(folder, 0o755);
    }
    await scrub(createSession({ logDirectory: temporaryDirectory() }), root, 1_700_000_000);
    const kept = folders
      .map((folder) => statSync(folder))
      .map(({ uid, gid, mode }) => [uid, gid, mode & 0o777]);
    expect(kept).toEqual([
      [0, 0, 0o700],
      [0, 0, 0o700],
    ]);
  },
);
