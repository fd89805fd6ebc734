// SPDX-License-Identifier: GPL-3.0-or-later
// The detached signature of an image's checksums.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Session } from "./session.ts";

/** Writes `<file>.asc` with the secret key in `keyFile`, in a key ring of its own that is gone afterwards. */
export async function sign(session: Session, keyFile: string, file: string): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "cbox-sign-"));
  const gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty"];
  try {
    await rm(`${file}.asc`, { force: true });
    await session.run([...gpg, "--import", keyFile]);
    await session.run([...gpg, "--armor", "--detach-sign", "--output", `${file}.asc`, file]);
  } finally {
    await session.run(["gpgconf", "--homedir", home, "--kill", "all"], { allow: [1, 2] });
    await rm(home, { recursive: true, force: true });
  }
}
