// SPDX-License-Identifier: GPL-3.0-or-later
// Removes the owner's account and all remote access. Access is disabled first, then the data is removed.

import { fail } from "../../../common/fail.ts";
import type { Box } from "../../host/box.ts";
import { errorText } from "../../host/error-text.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { readChoices } from "../../host/owner-settings.ts";
import { paths } from "../../host/paths.ts";
import type { ResetOptions } from "../../setup/step.ts";
import { updateBox } from "../../updates/updates.ts";
import { findAccount } from "./account.ts";
import { SUDOERS } from "./apply.ts";

export async function reset(box: Box, image: ImageInfo, { keepData }: ResetOptions): Promise<void> {
  // Account and SSH existed before the conversion, and stay.
  if (image.converted) return box.remove(paths.choices);
  await box.run("systemctl", ["disable", "--now", "ssh.service"]);
  await box.remove(paths.sshd);
  // If a timer does not stop now, it does not start again.
  await updateBox(box, image, "off").catch(() => {});
  await box.remove(SUDOERS);
  const { owner } = await readChoices(box);
  if (owner) await removeOwner(box, owner, keepData);
  // Only now: the name is needed until the account is removed.
  await box.remove(paths.choices);
  if (!keepData) await removeHostKeys(box);
}

async function removeOwner(box: Box, owner: string, keepData: boolean): Promise<void> {
  await box.run("loginctl", ["terminate-user", owner]);
  const account = await findAccount(box, owner);
  if (account) await box.remove(`${account.home}/.ssh/authorized_keys`);
  await box.run("userdel", ["--force", ...(keepData ? [] : ["--remove"]), owner]);
  await box.run("groupdel", [owner]);
  if (!(await findAccount(box, owner))) return;
  fail({ code: "account-stays", ...errorText("error.account-stays", { name: owner }) });
}

/** After a reset the box has a new identity for SSH clients. */
async function removeHostKeys(box: Box): Promise<void> {
  for (const name of await box.list("/etc/ssh")) {
    if (/^ssh_host_.*_key(\.pub)?$/.test(name)) await box.remove(`/etc/ssh/${name}`);
  }
}
