// SPDX-License-Identifier: GPL-3.0-or-later
// Encryption of a member's password on its way to the community's servers: warns before it is typed if others could
// read it, and refuses unencrypted transport unless it was allowed.

import { fail } from "../../common/fail.ts";
import { isReadable } from "../../common/plain-http.ts";
import { type ImageInfo, websiteName } from "../host/image-info.ts";
import type { TextValues } from "../i18n/translate.ts";

/** Warnings for the person before the password is typed, and afterwards. */
export function wayWarnings(
  image: ImageInfo,
): readonly { readonly code: WayWarning; readonly values: TextValues }[] {
  const { api, ldap } = image.community;
  const values = { website: websiteName(image) };
  return [
    ...(isReadable(api.auth_url) || isReadable(api.url)
      ? [{ code: "member-plain-http", values } as const]
      : []),
    ...(ldap.tls.verify ? [] : [{ code: "member-unverified", values } as const]),
  ];
}

type WayWarning = "member-plain-http" | "member-unverified";

/** Fails with `password-unencrypted`. `isAllowed`: the community's settings say so. */
export function refuseReadable(url: string, isAllowed = false): void {
  if (isAllowed || !isReadable(url)) return;
  const { protocol, host } = new URL(url);
  fail({
    code: "password-unencrypted",
    what: "The password is not sent: everybody on the way could read it.",
    found: `${protocol}//${host}`,
    hint: "Ask the community for an address with https, or build the image with plain_http: true in its settings.",
  });
}
