// SPDX-License-Identifier: GPL-3.0-or-later
// Looks up an account in the user databases, by `getent` and not in the files: sshd uses the same databases.

import type { Box } from "../../host/box.ts";

export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** The password field of /etc/shadow: a hash, "*", or "!…" when locked. Undefined when there is no entry. */
  readonly shadow: string | undefined;
  /** Present in all databases, with a home: useradd was not interrupted. */
  readonly isComplete: boolean;
}

export async function findAccount(box: Box, name: string): Promise<Account | undefined> {
  const passwd = await entry(box, "passwd", name);
  if (!passwd) return undefined;
  const [, , uid = "", gid = "", , home = ""] = passwd;
  const shadow = (await entry(box, "shadow", name))?.[1];
  const group = await entry(box, "group", name);
  return {
    uid: Number(uid),
    gid: Number(gid),
    home,
    shadow,
    isComplete: shadow !== undefined && group?.[2] === gid && (await box.exists(home)),
  };
}

async function entry(box: Box, database: string, name: string): Promise<string[] | undefined> {
  const { code, stdout } = await box.run("getent", [database, name]);
  return code === 0 && stdout.trim() ? stdout.trim().split(":") : undefined;
}
