// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's hosts: one line per host, one file per kind of server.
import type { LabHost } from "../host.ts";
import { dns } from "./dns.ts";
import { guifiSite } from "./guifi-site.ts";
import { ldap } from "./ldap.ts";
import { rendezvous } from "./rendezvous.ts";
import { serfPeer } from "./serf-peer.ts";
import { time } from "./time.ts";
import { vpnGateway } from "./vpn-gateway.ts";

export const LAB_HOSTS: readonly LabHost[] = [
  dns("dns", "10.139.40.1"),
  // The address Guifi's boxes join through: an image for Guifi finds this peer without being changed.
  serfPeer("peer", "10.139.40.22"),
  ldap("ldap", "10.139.40.30", 0),
  ldap("ldap2", "10.139.40.32", 1),
  time("time", "10.139.40.33"),
  guifiSite("api", "10.139.40.31"),
  // Also where Guifi's boxes look for it.
  rendezvous("rendezvous"),
  vpnGateway("vpn"),
];
