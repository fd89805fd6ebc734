// SPDX-License-Identifier: GPL-3.0-or-later
// The other branch of the community's directory: the users of its web proxies, below the id of the proxy they belong
// to, and the account by which proxies look them up.

/** By the id of their proxy's service at the community's web site. */
export const PROXY_USERS = [
  // Her proxy's users may use others (OUT); his may not (IN).
  { name: "marta", password: "porta-del-mar", mail: "marta@example.net", service: "54102" },
  { name: "quim", password: "riu avall", mail: "quim@example.net", service: "54101" },
] as const;

export const PROXY_READER = {
  name: "proxyreader",
  password: "reads-only-proxies",
  mail: "proxies@example.net",
} as const;
