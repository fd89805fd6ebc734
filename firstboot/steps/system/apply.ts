// SPDX-License-Identifier: GPL-3.0-or-later
// Applies "system". Uses files and standard tools instead of systemd's hostnamed and timedated: this needs no D-Bus,
// and every line can be repeated after a power cut.

import { fail } from "../../../common/fail.ts";
import { type Box, runOrFail, writeIfChanged } from "../../host/box.ts";
import { saidOr } from "../../host/found-text.ts";
import { readChoices, writeChoices } from "../../host/owner-settings.ts";
import { paths } from "../../host/paths.ts";
import { readTimeZones, zoneOf } from "../../host/time-zones.ts";
import type { StepTools } from "../../setup/step.ts";
import { updateBox, updateContexts } from "../../updates/updates.ts";
import { findAccount } from "./account.ts";
import { useKeyboard } from "./keyboard.ts";
import { isKeysOnly, PASSWORD_PATH, type SystemAnswers } from "./questions.ts";
import { formatSshKey, parseSshKey } from "./ssh-key.ts";

const OWNER_GROUPS = "sudo,adm";
export const SUDOERS = "/etc/sudoers.d/community-box-owner";

export async function apply(answers: SystemAnswers, tools: StepTools): Promise<void> {
  const { box, progress } = tools;
  const { keyboard, hostname = "", timezone = "UTC", updates, owner } = answers;
  const hasPassword = owner.password !== undefined || tools.providedSecrets.has(PASSWORD_PATH);

  progress("progress.system.names", { hostname });
  await nameBox(box, hostname);
  await setTimeZone(box, timezone);
  if (keyboard) await useKeyboard(box, keyboard);
  await checkMachineId(box);

  progress("progress.system.owner", { owner: owner.name });
  await recordChoices(box, answers);
  await makeAccount(box, owner.name);
  await setPassword(box, owner.name, owner.password, hasPassword);
  await allowSudo(box, owner.name, hasPassword);
  await installKeys(box, owner.name, owner.ssh_keys ?? []);

  // Generate this box's host keys first: sshd must never start with others.
  progress("progress.system.ssh");
  await runOrFail(box, "ssh-keygen", ["-A"]);
  await writeIfChanged(box, paths.sshd, sshdConfig(hasPassword && !isKeysOnly(answers)));
  // ssh-keygen and useradd do not sync what they write.
  await runOrFail(box, "sync", []);
  await runOrFail(box, "systemctl", ["enable", "ssh.service"]);
  await runOrFail(box, "systemctl", ["restart", "ssh.service"]);

  if (updates === undefined) return;
  progress("progress.system.updates");
  await updateBox(box, tools.image, updates);
  await updateContexts(box, tools.image);
}

async function nameBox(box: Box, hostname: string): Promise<void> {
  await writeIfChanged(box, "/etc/hostname", `${hostname}\n`);
  await writeIfChanged(box, "/etc/hosts", hostsFile(hostname));
  await runOrFail(box, "hostname", [hostname]);
}

export function hostsFile(hostname: string): string {
  return [
    "127.0.0.1\tlocalhost",
    `127.0.1.1\t${hostname}`,
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
    "",
  ].join("\n");
}

/** By the zone's current name: the system has no files for former names. */
async function setTimeZone(box: Box, name: string): Promise<void> {
  const timezone = zoneOf(name, await readTimeZones(box)) ?? name;
  const target = `${paths.zoneinfo}/${timezone}`;
  if ((await box.readLink("/etc/localtime")) !== target) await box.symlink(target, "/etc/localtime");
  await writeIfChanged(box, "/etc/timezone", `${timezone}\n`);
}

/** systemd creates it at the first boot, and only keeps it if it could be written. */
async function checkMachineId(box: Box): Promise<void> {
  const machineId = ((await box.readFile("/etc/machine-id")) ?? "").trim();
  if (/^[0-9a-f]{32}$/.test(machineId)) return;
  fail({
    code: "machine-id-missing",
    what: "The box has no identity of its own: /etc/machine-id is not 32 hexadecimal digits.",
    ...saidOr(machineId, "found.empty-file"),
    hint: "Restart the box and begin again.",
  });
}

async function recordChoices(
  box: Box,
  { language, timezone, hostname, updates, owner }: SystemAnswers,
): Promise<void> {
  const earlier = (await readChoices(box)).owner;
  // The owner's name was changed after an earlier try: that account must not remain as a second log-in.
  if (earlier && earlier !== owner.name) await removeAccount(box, earlier);
  await writeChoices(box, { language, timezone, hostname, updates, owner: owner.name });
}

async function makeAccount(box: Box, name: string): Promise<void> {
  const account = await findAccount(box, name);
  // A power cut within useradd leaves incomplete databases: the account is created again.
  if (account && !account.isComplete) await removeAccount(box, name);
  if (!account?.isComplete) {
    await runOrFail(box, "useradd", [
      ...["--create-home", "--user-group", "--shell", "/bin/bash", "--comment", "Owner of this box"],
      ...(await uidOfHome(box, `/home/${name}`)),
      name,
    ]);
  }
  await runOrFail(box, "usermod", ["--append", "--groups", OWNER_GROUPS, name]);
}

/** A home that was kept by a reset gets its former user id, if another account does not have it now. */
async function uidOfHome(box: Box, home: string): Promise<string[]> {
  if (!(await box.exists(home))) return [];
  const { code, stdout } = await box.run("stat", ["--format=%u", home]);
  const uid = stdout.trim();
  const isFree = code === 0 && Number(uid) >= 1000 && (await box.run("getent", ["passwd", uid])).code !== 0;
  return isFree ? ["--uid", uid] : [];
}

async function removeAccount(box: Box, name: string): Promise<void> {
  // Either may be missing; verify checks the result.
  await box.run("userdel", ["--force", "--remove", name]);
  await box.run("groupdel", [name]);
}

async function setPassword(box: Box, name: string, password: string | undefined, hasPassword: boolean) {
  if (password !== undefined) {
    await runOrFail(box, "chpasswd", [], { input: `${name}:${password}\n` });
  } else if (!hasPassword) {
    // "*" means no password; "!" would lock the account, on some systems for keys as well.
    await runOrFail(box, "usermod", ["--password", "*", name]);
  }
}

/** An owner without a password cannot type one for sudo. */
async function allowSudo(box: Box, name: string, hasPassword: boolean): Promise<void> {
  if (hasPassword) return box.remove(SUDOERS);
  await writeIfChanged(box, SUDOERS, `${name} ALL=(ALL:ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
}

async function installKeys(box: Box, name: string, lines: readonly string[]): Promise<void> {
  const account = await findAccount(box, name);
  if (!account) return fail({ code: "account-missing", what: `The account "${name}" could not be made.` });
  const file = `${account.home}/.ssh/authorized_keys`;
  if (lines.length === 0) return box.remove(file);
  const keys = lines.map(parseSshKey).filter((key) => typeof key !== "string");
  const owner = { uid: account.uid, gid: account.gid };
  await box.makeDirectory(account.home, { owner, mode: 0o750 });
  await box.makeDirectory(`${account.home}/.ssh`, { owner, mode: 0o700 });
  await box.writeFile(file, `${keys.map(formatSshKey).join("\n")}\n`, { owner, mode: 0o600 });
}

export function sshdConfig(takesPasswords: boolean): string {
  return [
    "# Written by the Community Box set-up.",
    "PermitRootLogin no",
    `PasswordAuthentication ${takesPasswords ? "yes" : "no"}`,
    "KbdInteractiveAuthentication no",
    "X11Forwarding no",
    // Against password guessing: few tries per connection, and few unauthenticated connections at a time, per address
    // and in total. OpenSSH of Debian 13 also blocks an address for a while after repeated failures.
    "MaxAuthTries 4",
    "PerSourceMaxStartups 4",
    "MaxStartups 10:30:60",
    "",
  ].join("\n");
}
