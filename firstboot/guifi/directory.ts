// SPDX-License-Identifier: GPL-3.0-or-later
// The community's directory of members (LDAP over TLS). Name and password are valid if a bind succeeds; nothing is
// searched, which may not be allowed.

import { tlsTrust } from "../host/authorities.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { type Trouble, toTrouble } from "../host/trouble.ts";
import type { Credentials } from "./credentials.ts";
import { refuseReadable } from "./way.ts";

/** Milliseconds until a server counts as down and the next one is asked. */
const DEAD_AFTER = 2_000;

export type DirectoryAnswer =
  | { readonly result: "accepted" | "refused"; readonly server: string }
  /** No server answered; `trouble` is the one to report. */
  | { readonly result: "silent"; readonly trouble: Trouble };

/** Asks the servers in order; the first one that answers decides. Never throws because of a server. */
export async function askDirectory(
  box: Box,
  image: ImageInfo,
  { username, password }: Credentials,
): Promise<DirectoryAnswer> {
  const { servers, base_dn, tls } = image.community.ldap;
  // In LDAP a bind without a password is anonymous, and succeeds.
  if (password === "") return { result: "refused", server: hostOf(servers[0] ?? "") };
  const trust = { ...(await tlsTrust(box, image)), verify: tls.verify };
  const dn = memberDn(username, base_dn);
  const troubles: Trouble[] = [];
  for (const url of servers) {
    refuseReadable(url);
    try {
      const result = await box.ldapBind({ url, dn, password, timeout: DEAD_AFTER, tls: trust });
      return { result, server: hostOf(url) };
    } catch (error) {
      const trouble = toTrouble(error);
      if (!isOfServer(trouble)) throw error;
      troubles.push(trouble);
    }
  }
  // A certificate error can be fixed by the person; a server that is down cannot.
  const trouble = troubles.find(({ code }) => code === "server-untrusted") ?? troubles[0];
  return {
    result: "silent",
    trouble: trouble ?? { code: "server-unreachable", what: "No server is known." },
  };
}

/** Errors that the next server may not have. */
function isOfServer({ code }: Trouble): boolean {
  return ["server-unreachable", "server-slow", "server-untrusted", "ldap-error", "reply-too-large"].includes(
    code,
  );
}

export function memberDn(username: string, base: string): string {
  return `uid=${escapeDnValue(username)},${base}`;
}

/** A value within a distinguished name (RFC 4514, section 2.4). */
export function escapeDnValue(value: string): string {
  return value.replace(/["+,;<>\\=\0]|^[ #]| $/g, (sign) => (sign === "\0" ? "\\00" : `\\${sign}`));
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : url;
}
