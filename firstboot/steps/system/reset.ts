// SPDX-License-Identifier: GPL-3.0-or-later
// Takes the owner's account and every way in away. First the door is shut, then the rooms are cleared.

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
  // Account and SSH were there before the box was, and are its owner's.
  if (image.converted) return box.remove(paths.choices);
  await box.run("systemctl", ["disable", "--now", "ssh.service"]);
  await box.remove(paths.sshd);
  // Timers that do not stop now do not start again.
  await updateBox(box, image, "off").catch(() => {});
  await box.remove(SUDOERS);
  const { owner } = await readChoices(box);
  if (owner) await removeOwner(box, owner, keepData);
  // Only now: the name is needed until the account is gone.
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

/** Another set-up is another box to those who log in. */
async function removeHostKeys(box: Box): Promise<void> {
  for (const name of await box.list("/etc/ssh")) {
    if (/^ssh_host_.*_key(\.pub)?$/.test(name)) await box.remove(`/etc/ssh/${name}`);
  }
}
