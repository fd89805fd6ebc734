// SPDX-License-Identifier: GPL-3.0-or-later
// Who gets in over SSH and by what, as sshd itself reads its configuration: the owner may have added files of their own, and
// a converted machine has its own from the start.

import type { Box } from "../../host/box.ts";
import { paths } from "../../host/paths.ts";
import { parseSshKey } from "./ssh-key.ts";

export interface SshLogin {
  readonly name: string;
  /** Whether sshd takes a password for the account; undefined where only root may ask. */
  readonly passwords: boolean | undefined;
  /** Public keys that let in; undefined where only root, or the account itself, may read them. */
  readonly keys: number | undefined;
}

/** Users from here up to {@link LAST_PERSON} are people (login.defs). */
const FIRST_PERSON = 1000;
const LAST_PERSON = 60_000;
/** Shells of accounts that nobody logs in to. */
const NO_SHELL = /^$|\/(nologin|false|sync)$/;

/** Accounts that can log in over SSH, root only where sshd lets it in. Undefined on a machine without sshd. */
export async function readSshLogins(box: Box): Promise<readonly SshLogin[] | undefined> {
  if (!(await box.exists(paths.sshdProgram))) return undefined;
  const { stdout } = await box.run("getent", ["passwd"]);
  const logins: SshLogin[] = [];
  for (const line of stdout.split("\n")) {
    const [name = "", , uid = "", , , home = "", shell = ""] = line.split(":");
    const id = Number(uid || "NaN");
    if (NO_SHELL.test(shell) || !(id === 0 || (id >= FIRST_PERSON && id <= LAST_PERSON))) continue;
    const settings = await sshdSettings(box, name);
    const root = settings?.get("permitrootlogin");
    if (id === 0 && root === "no") continue;
    logins.push({
      name,
      passwords: settings && takesPasswords(settings) && (id !== 0 || root === "yes"),
      keys: await countKeys(box, { name, home }, settings),
    });
  }
  return logins;
}

type Settings = ReadonlyMap<string, string>;

/** What sshd says applies to an account; undefined where it does not say. */
async function sshdSettings(box: Box, user: string): Promise<Settings | undefined> {
  // An address that is nobody's (RFC 5737): settings for a neighbour in particular are not what is asked for.
  const who = `user=${user},host=localhost,addr=192.0.2.1`;
  let answer = await box.run(paths.sshdProgram, ["-T", "-C", who]);
  // Without root's rights it cannot read the host's keys; then its settings for all, which OpenSSH 9.3 and later can tell.
  if (answer.code !== 0) answer = await box.run(paths.sshdProgram, ["-G"]);
  if (answer.code !== 0) return undefined;
  const lines = answer.stdout.split("\n").map((line) => /^(\S+) (.*)$/.exec(line) ?? []);
  return new Map(lines.map(([, key = "", value = ""]) => [key, value]));
}

function takesPasswords(settings: Settings): boolean {
  const isOn = (key: string) => settings.get(key) === "yes";
  const asks = isOn("passwordauthentication") || (isOn("kbdinteractiveauthentication") && isOn("usepam"));
  // Lists of methods, each to be passed as a whole: "publickey,password publickey,keyboard-interactive".
  const ways = (settings.get("authenticationmethods") ?? "any").split(" ");
  return asks && ways.some((way) => !way.split(",").includes("publickey"));
}

async function countKeys(
  box: Box,
  { name, home }: { name: string; home: string },
  settings: Settings | undefined,
): Promise<number | undefined> {
  if (settings && settings.get("pubkeyauthentication") !== "yes") return 0;
  const files = settings?.get("authorizedkeysfile") ?? ".ssh/authorized_keys .ssh/authorized_keys2";
  let count = 0;
  for (const file of files === "none" ? [] : files.split(" ")) {
    // sshd_config(5), AuthorizedKeysFile.
    const path = file.replace(/%[%hu]/g, (sign) => ({ "%%": "%", "%h": home, "%u": name })[sign] ?? sign);
    try {
      const text = (await box.readFile(path.startsWith("/") ? path : `${home}/${path}`)) ?? "";
      count += text.split("\n").filter((line) => typeof parseSshKey(line) !== "string").length;
    } catch {
      return undefined;
    }
  }
  return count;
}
