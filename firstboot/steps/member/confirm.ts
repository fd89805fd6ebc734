// SPDX-License-Identifier: GPL-3.0-or-later
// Checks name and password with the community: first the directory, then the web site if the directory refuses or
// does not answer. The directory copies the site's members daily, so it may be a day behind.

import { Failure } from "../../../common/fail.ts";
import { GuifiApi } from "../../guifi/api.ts";
import type { Credentials } from "../../guifi/credentials.ts";
import { askDirectory } from "../../guifi/directory.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { type Trouble, toTrouble } from "../../host/trouble.ts";

export type Confirmation =
  | { readonly result: "accepted"; readonly by: "directory" }
  /** `directory`: its result before that. */
  | { readonly result: "accepted"; readonly by: "web-site"; readonly directory: "refused" | "silent" }
  /** `isSure`: the web site refused, too; the directory alone may be a day behind. */
  | { readonly result: "refused"; readonly isSure: boolean }
  | { readonly result: "silent"; readonly trouble: Trouble };

/** Never throws because of a server. `timeout`: for the web site, in milliseconds. */
export async function confirmMember(
  box: Box,
  image: ImageInfo,
  credentials: Credentials,
  timeout = 15_000,
): Promise<Confirmation> {
  const directory = await askDirectory(box, image, credentials);
  if (directory.result === "accepted") return { result: "accepted", by: "directory" };
  try {
    await new GuifiApi(box, image, credentials, { timeout }).logIn();
    return { result: "accepted", by: "web-site", directory: directory.result };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const isRefused = error.code === "api-login-refused";
    if (directory.result !== "silent") return { result: "refused", isSure: isRefused };
    if (isRefused) return { result: "refused", isSure: true };
    // Neither answered. A certificate error at either can be fixed here, and a wrong address in the settings.
    const site = toTrouble(error);
    const isTold = ["server-untrusted", "password-unencrypted"].includes(site.code);
    return { result: "silent", trouble: isTold ? site : directory.trouble };
  }
}
