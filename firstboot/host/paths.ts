// SPDX-License-Identifier: GPL-3.0-or-later
// Every place on the box that first boot knows by name.

import { join } from "node:path";

export const paths = {
  imageInfo: "/usr/lib/community-box/image.json",
  /** Snapshot of the set-up. No secrets. */
  state: "/var/lib/community-box/state.json",
  /** Snapshots of single steps that are set up again: setup-vpn.json. */
  setupState: (step: string) => `/var/lib/community-box/setup-${step}.json`,
  /** On the stick: the disk that was installed from it last. */
  installed: "/var/lib/community-box/installed.json",
  /** Whose set-up is going on. */
  setupLock: "/run/community-box/setup.lock",
  /** Program: sets what some BIOSes want to see in the boot sector. */
  markActive: "/usr/lib/community-box/mark-active",
  /** Exists = a reset was begun and not ended. */
  resetting: "/var/lib/community-box/resetting",
  /** Exists = set-up is done. Units have it as a condition: the name is a contract. */
  configured: "/var/lib/community-box/configured",
  /** The answers file that would reproduce this box, without secrets. */
  answersKept: "/var/lib/community-box/answers.yaml",
  serfHostId: "/var/lib/community-box/serf-host-id",
  /** What was chosen; readable by everyone. */
  choices: "/etc/community-box/box.json",
  /** Certificates of the community's own authorities, taken from the boot partition. */
  authorities: "/etc/community-box/ca.pem",
  /** What the community knows of this box: member, node, device. No secrets; readable by everyone. */
  guifi: "/etc/community-box/guifi.json",
  log: "/var/log/community-box/firstboot.log",
  /** Program: starts an announcement when something begins or ceases to listen; with --note, writes down what does. */
  watchListeners: "/usr/lib/community-box/watch-listeners",
  publishLock: "/run/community-box/publish.lock",
  /** Result of the last `cbox publish`, for `cbox status`. */
  published: "/run/community-box/publish.json",
  issue: "/etc/issue.d/community-box.issue",
  /** Shown after log-in by pam_motd(8). In memory: how the box is doing changes with every start. */
  motd: "/run/motd.d/community-box",
  /** What is shown there from a start on till the box has looked how it is doing: as it was after the set-up. */
  motdAtStart: "/var/lib/community-box/motd",
  network: "/etc/systemd/network/10-community-box.network",
  networkWifi: "/etc/systemd/network/10-community-box-wifi.network",
  timesync: "/etc/systemd/timesyncd.conf.d/10-community-box.conf",
  sshdProgram: "/usr/sbin/sshd",
  sshd: "/etc/ssh/sshd_config.d/10-community-box.conf",
  /** Holds the key of its RPC: for root alone. */
  serfConfig: "/etc/serf/community-box.json",
  /** The same key, for those who ask: root, and whoever may become root. */
  serfRpcKey: "/etc/community-box/serf-rpc-key",
  /** Program: `serf COMMAND` with that key. */
  serfRpc: "/usr/lib/community-box/serf-rpc",
  /** Which services were chosen and where they run; readable by everyone, no secrets. */
  services: "/etc/community-box/services.json",
  /** What the owner has added to the catalogue, one file each. */
  ownServices: "/etc/community-box/services",
  /** One file a service, for root alone. */
  serviceSecrets: "/var/lib/community-box/secrets",
  /** The image's own little Debian repository, for services that are not installed. The same path inside contexts. */
  pool: "/usr/share/community-box/pool",
  /** How the box was divided, or why it was not; readable by everyone. */
  contexts: "/etc/community-box/contexts.json",
  /** Rules of nftables that lead into the contexts, for the next start (services/forward.ts). The walls' unit loads it. */
  contextPorts: "/etc/community-box/ports.nft",
  contextPortsLock: "/run/community-box/ports.lock",
  /** What the owner has said about the walls of the contexts. The program reads it, too. */
  walls: "/etc/community-box/walls.conf",
  /** Program: puts the walls where the networks of the box are; with --list, says where. */
  wallsProgram: "/usr/lib/community-box/walls",
  /** Exists = the interfaces of the contexts were given their filters (contexts/filters.ts). */
  contextsFiltered: "/var/lib/community-box/contexts-filtered",
  /** What contexts and slivers start from, and what Incus is told. */
  contextTemplate: "/usr/share/community-box/context",
  contextPreseed: "/usr/share/community-box/context/preseed.yaml.template",
  /** Mounts the data partition where Incus keeps the files of its pools. systemd demands this name for that place. */
  dataMount: "/etc/systemd/system/var-lib-incus-disks.mount",
  /** mDNS form of what is announced, for Avahi. */
  avahiServices: "/etc/avahi/services",
  /** What the box knows of its VPN (firstboot/vpn/record.ts); readable by everyone. */
  vpn: "/etc/community-box/vpn.json",
  /** Who answered last through the VPN. */
  vpnAnswer: "/run/community-box/vpn.json",
  /** When the rendezvous was asked last, and what came of it. */
  vpnAsked: "/run/community-box/vpn-asked.json",
  /** The key of a VPN that is not the community's: the rendezvous is asked again with it. For root alone. */
  vpnKey: "/var/lib/community-box/vpn-key",
  /** Program: who else has an address, by ARP. */
  addressTaken: "/usr/lib/community-box/address-taken",
  avahi: "/etc/avahi/community-box.conf",
  avahiUnit: "/etc/systemd/system/avahi-daemon.service.d/10-community-box.conf",
  /** Drop-in of systemd, in the image (firstboot/vpn/sandbox.ts). */
  sandbox: (program: "tinc" | "avahi") => `/usr/lib/community-box/sandbox/${program}.conf`,
  /** The link to it. After the unit's other drop-ins of ours. */
  sandboxOf: (unit: string) => `/etc/systemd/system/${unit}.d/20-community-box-sandbox.conf`,
  /** Exists = the box updates itself. APT's timers have it as a condition: the name is a contract. */
  updates: "/etc/apt/apt.conf.d/60community-box-updates",
  zoneinfo: "/usr/share/zoneinfo",
} as const;

/** The files a person shares with the box on its FAT partition; `used`: what answers.yaml is called after a reset. */
export function answersPaths(bootMount: string): {
  answers: string;
  report: string;
  used: string;
  /** Words of whoever prepared the card, for whoever sets the box up. */
  note: string;
} {
  const at = (name: string) => join(bootMount, name);
  return {
    answers: at("answers.yaml"),
    report: at("answers-report.yaml"),
    used: at("used-answers.yaml"),
    note: at("note.txt"),
  };
}
