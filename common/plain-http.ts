// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses by which a secret would go over the network for everybody on the way to read.

/** `http://` to this very machine is nobody's to read. */
export const UNREAD_URL = "^(https://|http://(localhost|127(\\.[0-9]{1,3}){3}|\\[::1\\])([:/?]|$))";

/** http:// or ldap:// to another machine. */
export function isReadable(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  const isLoopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  return !isLoopback && !["https:", "ldaps:"].includes(protocol);
}
