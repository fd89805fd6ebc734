// SPDX-License-Identifier: GPL-3.0-or-later
// What the dry run says of the image: the community of profiles/communities/guifi.yaml, without addresses to ask.

import type { ImageInfo } from "../host/image-info.ts";

export const DRY_RUN_IMAGE: ImageInfo = {
  version: "dry-run",
  built: "2026-01-01T00:00:00Z",
  profile: { id: "dry-run", title: "Dry run", architecture: "amd64", release: "trixie" },
  consoles: [],
  boot_mount: "/boot/efi",
  community: {
    id: "guifi",
    title: "Guifi.net",
    website: "https://guifi.net",
    ldap: {
      servers: ["ldaps://ldap.guifi.net", "ldaps://ldap2.guifi.net"],
      base_dn: "o=webusers,dc=guifi,dc=net",
      tls: { verify: true },
    },
    api: {
      url: "https://guifi.net/api",
      auth_url: "https://guifi.net/api/auth",
      cnml_url: "https://guifi.net/guifi/cnml",
      device_url: "https://guifi.net/guifi/device",
    },
    licence: {
      title: "Network Commons Licence (XOLN)",
      version: "1.0",
      url: "https://guifi.net/ComunsXOLN",
    },
    vpn: { enabled_by_default: false, network: "guifi", port: 655, rendezvous: ["https://vpn.guifi.net/"] },
    timezone: "Europe/Madrid",
    default_language: "ca",
    languages: ["ca", "es", "en"],
    keyboards: ["es", "us", "fr"],
    updates: { choice: "restart", restart_hour: 4 },
    address_ranges: ["10.0.0.0/8"],
    dns: { servers: [], search: [] },
    ntp: { servers: [] },
    serf: {
      port: 5000,
      profile: "wan",
      bootstrap: [],
      cloud: "guifi",
      microcloud: "guifi",
      tag_budget_bytes: 512,
    },
  },
};
