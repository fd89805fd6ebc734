// SPDX-License-Identifier: GPL-3.0-or-later
// Asks the community whether name and password are a member's: the directory first, and where that says no or
// nothing, the web site. The directory copies the site's members once a day, so it may be a day behind.

import { Failure } from "../../../common/fail.ts";
import { GuifiApi } from "../../guifi/api.ts";
import type { Credentials } from "../../guifi/credentials.ts";
import { askDirectory } from "../../guifi/directory.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { type Trouble, toTrouble } from "../../host/trouble.ts";

export type Confirmation =
  | { readonly result: "accepted"; readonly by: "directory" }
  /** `directory`: what that said before. */
  | { readonly result: "accepted"; readonly by: "web-site"; readonly directory: "refused" | "silent" }
  /** `isSure`: not only the directory, which may be a day behind. */
  | { readonly result: "refused"; readonly isSure: boolean }
  | { readonly result: "silent"; readonly trouble: Trouble };

/** Never throws for a server's sake. `timeout`: of the web site, in milliseconds. */
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
    // Both are silent; a certificate can be mended here, whichever of the two it is, and an address in the settings.
    const site = toTrouble(error);
    const isTold = ["server-untrusted", "password-unencrypted"].includes(site.code);
    return { result: "silent", trouble: isTold ? site : directory.trouble };
  }
}
