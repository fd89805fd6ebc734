// SPDX-License-Identifier: GPL-3.0-or-later
// URLs over which a secret would be sent unencrypted.

/** `http://` to this machine itself is not sent over a network. */
export const UNREAD_URL = "^(https://|http://(localhost|127(\\.[0-9]{1,3}){3}|\\[::1\\])([:/?]|$))";

/** http:// or ldap:// to another machine. */
export function isReadable(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  const isLoopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  return !isLoopback && !["https:", "ldaps:"].includes(protocol);
}
