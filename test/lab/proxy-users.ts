// SPDX-License-Identifier: GPL-3.0-or-later
// The other branch of the community's directory: the users of its web proxies, below the id of the proxy they belong to,
// and the account by which proxies look them up.

/** Id of a proxy service at the community's web site. */
export const PROXY_SERVICE = "61211";

export const PROXY_USERS = [
  { name: "marta", password: "porta-del-mar", mail: "marta@example.net" },
  { name: "quim", password: "riu avall", mail: "quim@example.net" },
] as const;

export const PROXY_READER = {
  name: "proxyreader",
  password: "reads-only-proxies",
  mail: "proxies@example.net",
} as const;
