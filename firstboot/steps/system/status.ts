// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox system`: the box's name and owner, whether its SSH server answers, and its security updates.

import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { isListening } from "../../host/network-facts.ts";
import { readChoices } from "../../host/owner-settings.ts";
import { type Translate, translator } from "../../i18n/translate.ts";
import { shortList } from "../../services/ports.ts";
import type { StepStatus } from "../../setup/step.ts";
import { readUpdates, type UpdatesState } from "../../updates/updates.ts";
import { readSshLogins, type SshLogin } from "./ssh-logins.ts";

const SSH_PORT = 22;
/** Shown to users who may not read the information. */
const ASK = { command: "sudo cbox system" };

export async function status(box: Box, image: ImageInfo): Promise<StepStatus> {
  const { owner = "", language = "", timezone = "" } = await readChoices(box);
  const hostname = ((await box.readFile("/etc/hostname")) ?? "").trim();
  const isReachable = await isListening(box, SSH_PORT);
  const updates = await readUpdates(box);
  const logins = await readSshLogins(box);
  const t = translator(language);
  const trouble =
    // A converted machine may run without SSH: that is its owner's choice.
    !isReachable && image.converted !== true
      ? "trouble.ssh-not-listening"
      : updates?.working === false
        ? "trouble.updates-not-set"
        : updates?.kept_back.length
          ? "status.system.kept-back-advice"
          : undefined;
  return {
    state: trouble ? "trouble" : "works",
    rows: [
      { label: "label.system.hostname", value: hostname },
      { label: "label.system.owner.name", value: owner },
      { label: "label.system.timezone", value: timezone },
      ...(updates ? [{ label: "label.system.updates" as const, value: inWords(updates, t) }] : []),
      ...(logins
        ? [
            { label: "label.system.ssh" as const, value: waysInWords(logins, t) },
            { label: "label.system.owner.ssh_keys" as const, value: keysInWords(logins, t) },
          ]
        : []),
    ],
    ...(trouble ? { advice: { key: trouble, values: {} } as const } : {}),
    data: {
      hostname,
      owner,
      language,
      timezone,
      ssh: isReachable,
      // Null: only root may read it.
      ...(logins
        ? {
            ssh_logins: logins.map(({ name, passwords = null, keys = null }) => ({ name, passwords, keys })),
          }
        : {}),
      ...(updates ? { updates: { ...updates } } : {}),
    },
  };
}

function inWords(updates: UpdatesState, t: Translate): string {
  const { choice, known_until: until, restart_due: isDue, kept_back: kept } = updates;
  return [
    t(`status.system.updates.${choice}`),
    ...(choice === "off"
      ? []
      : [until ? t("status.system.known", { day: until.slice(0, 10) }) : t("status.system.none-known")]),
    ...(kept.length ? [t("status.system.kept-back", { names: shortList(kept) })] : []),
    ...(isDue ? [t("status.system.restart-due", { command: "sudo reboot" })] : []),
  ].join("; ");
}

/** Whether a password is accepted for any account. */
function waysInWords(logins: readonly SshLogin[], t: Translate): string {
  if (logins.some(({ passwords }) => passwords)) return t("status.system.ssh.passwords");
  if (logins.some(({ passwords }) => passwords === undefined)) return t("status.system.ssh.unknown", ASK);
  return t("status.system.ssh.keys-only");
}

function keysInWords(logins: readonly SshLogin[], t: Translate): string {
  const known = logins.flatMap(({ name, keys }) =>
    keys === undefined ? [] : [`${name}: ${keys || t("status.system.ssh.no-key")}`],
  );
  const isWhole = known.length === logins.length;
  return [...known, ...(isWhole ? [] : [t("status.system.ssh.unknown", ASK)])].join("; ");
}
