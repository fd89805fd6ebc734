// SPDX-License-Identifier: GPL-3.0-or-later
// Who can log in over SSH and by what method, according to sshd's effective configuration: the owner may have added
// files, and a converted machine has its own.

import type { Box } from "../../host/box.ts";
import { paths } from "../../host/paths.ts";
import { parseSshKey } from "./ssh-key.ts";

export interface SshLogin {
  readonly name: string;
  /** Whether sshd accepts a password for the account; undefined if only root may query it. */
  readonly passwords: boolean | undefined;
  /** Number of authorized keys; undefined if only root, or the account itself, may read them. */
  readonly keys: number | undefined;
}

/** Users from here up to {@link LAST_PERSON} are people (login.defs). */
const FIRST_PERSON = 1000;
const LAST_PERSON = 60_000;
/** Shells of accounts without log-in. */
const NO_SHELL = /^$|\/(nologin|false|sync)$/;

/** Accounts that can log in over SSH, root only if sshd allows it. Undefined on a machine without sshd. */
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

/** sshd's settings for an account; undefined if it does not report them. */
async function sshdSettings(box: Box, user: string): Promise<Settings | undefined> {
  // A documentation address (RFC 5737), so that settings for particular addresses do not apply.
  const who = `user=${user},host=localhost,addr=192.0.2.1`;
  let answer = await box.run(paths.sshdProgram, ["-T", "-C", who]);
  // Without root it cannot read the host keys; then the global settings, which OpenSSH 9.3 and later can report.
  if (answer.code !== 0) answer = await box.run(paths.sshdProgram, ["-G"]);
  if (answer.code !== 0) return undefined;
  const lines = answer.stdout.split("\n").map((line) => /^(\S+) (.*)$/.exec(line) ?? []);
  return new Map(lines.map(([, key = "", value = ""]) => [key, value]));
}

function takesPasswords(settings: Settings): boolean {
  const isOn = (key: string) => settings.get(key) === "yes";
  const asks = isOn("passwordauthentication") || (isOn("kbdinteractiveauthentication") && isOn("usepam"));
  // Lists of methods, each of which must be completed: "publickey,password publickey,keyboard-interactive".
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
