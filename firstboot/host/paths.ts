// SPDX-License-Identifier: GPL-3.0-or-later
// All paths on the box that first boot uses.

import { join } from "node:path";

export const paths = {
  imageInfo: "/usr/lib/community-box/image.json",
  /** Snapshot of the set-up. No secrets. */
  state: "/var/lib/community-box/state.json",
  /** Snapshots of steps that are set up again: setup-vpn.json. */
  setupState: (step: string) => `/var/lib/community-box/setup-${step}.json`,
  /** On the stick: the disk that it was last installed to. */
  installed: "/var/lib/community-box/installed.json",
  /** Held by the running set-up. */
  setupLock: "/run/community-box/setup.lock",
  /** Program: sets the active flag that some BIOSes require in the boot sector. */
  markActive: "/usr/lib/community-box/mark-active",
  /** Exists = a reset has begun and is not complete. */
  resetting: "/var/lib/community-box/resetting",
  /** Exists = set-up is done. Units use it as a condition: the name must not change. */
  configured: "/var/lib/community-box/configured",
  /** Answers file that would reproduce this box, without secrets. */
  answersKept: "/var/lib/community-box/answers.yaml",
  serfHostId: "/var/lib/community-box/serf-host-id",
  /** The owner's choices; readable by everyone. */
  choices: "/etc/community-box/box.json",
  /** Certificates of the community's authorities, from the boot partition. */
  authorities: "/etc/community-box/ca.pem",
  /** The registration of this box: member, node, device. No secrets; readable by everyone. */
  guifi: "/etc/community-box/guifi.json",
  log: "/var/log/community-box/firstboot.log",
  /** Program: starts an announcement when listening ports change; with --note, records them. */
  watchListeners: "/usr/lib/community-box/watch-listeners",
  publishLock: "/run/community-box/publish.lock",
  /** Result of the last `cbox publish`, for `cbox status`. */
  published: "/run/community-box/publish.json",
  issue: "/etc/issue.d/community-box.issue",
  /** Shown after log-in by pam_motd(8). In memory: the state of the box changes with every start. */
  motd: "/run/motd.d/community-box",
  /** Shown there after a start until the box has checked its state: the text from after the set-up. */
  motdAtStart: "/var/lib/community-box/motd",
  network: "/etc/systemd/network/10-community-box.network",
  networkWifi: "/etc/systemd/network/10-community-box-wifi.network",
  timesync: "/etc/systemd/timesyncd.conf.d/10-community-box.conf",
  sshdProgram: "/usr/sbin/sshd",
  sshd: "/etc/ssh/sshd_config.d/10-community-box.conf",
  /** Contains the RPC key: for root only. */
  serfConfig: "/etc/serf/community-box.json",
  /** The same key, for clients: root, and those who may become root. */
  serfRpcKey: "/etc/community-box/serf-rpc-key",
  /** Program: runs `serf COMMAND` with that key. */
  serfRpc: "/usr/lib/community-box/serf-rpc",
  /** Which services were chosen and where they run; readable by everyone, no secrets. */
  services: "/etc/community-box/services.json",
  /** The owner's own services, one file each. */
  ownServices: "/etc/community-box/services",
  /** One file per service, for root only. */
  serviceSecrets: "/var/lib/community-box/secrets",
  /** The image's own small Debian repository, for services that are not installed. The same path inside contexts. */
  pool: "/usr/share/community-box/pool",
  /** How the box is divided, or why not; readable by everyone. */
  contexts: "/etc/community-box/contexts.json",
  /** nftables rules that forward ports into the contexts (services/forward.ts), loaded by the walls' unit. */
  contextPorts: "/etc/community-box/ports.nft",
  contextPortsLock: "/run/community-box/ports.lock",
  /** The owner's settings for the contexts' firewall rules. Also read by the program. */
  walls: "/etc/community-box/walls.conf",
  /** Program: applies the firewall rules to the box's networks; with --list, prints them. */
  wallsProgram: "/usr/lib/community-box/walls",
  /** Exists = the contexts' interfaces have their filters (contexts/filters.ts). */
  contextsFiltered: "/var/lib/community-box/contexts-filtered",
  /** Template of contexts and slivers, and the configuration of Incus. */
  contextTemplate: "/usr/share/community-box/context",
  contextPreseed: "/usr/share/community-box/context/preseed.yaml.template",
  /** Mounts the data partition where Incus keeps the files of its pools. systemd requires this name for that path. */
  dataMount: "/etc/systemd/system/var-lib-incus-disks.mount",
  /** mDNS form of the announcements, for Avahi. */
  avahiServices: "/etc/avahi/services",
  /** The box's VPN membership (firstboot/vpn/record.ts); readable by everyone. */
  vpn: "/etc/community-box/vpn.json",
  /** The peer that answered last through the VPN. */
  vpnAnswer: "/run/community-box/vpn.json",
  /** When the rendezvous was last asked, and the result. */
  vpnAsked: "/run/community-box/vpn-asked.json",
  /** The key of a VPN other than the community's: needed to ask its rendezvous again. For root only. */
  vpnKey: "/var/lib/community-box/vpn-key",
  /** Program: detects by ARP whether another machine has an address. */
  addressTaken: "/usr/lib/community-box/address-taken",
  avahi: "/etc/avahi/community-box.conf",
  avahiUnit: "/etc/systemd/system/avahi-daemon.service.d/10-community-box.conf",
  /** systemd drop-in in the image (firstboot/vpn/sandbox.ts). */
  sandbox: (program: "tinc" | "avahi") => `/usr/lib/community-box/sandbox/${program}.conf`,
  /** The link to it; sorted after our other drop-ins of the unit. */
  sandboxOf: (unit: string) => `/etc/systemd/system/${unit}.d/20-community-box-sandbox.conf`,
  /** Exists = the box updates itself. APT's timers use it as a condition: the name must not change. */
  updates: "/etc/apt/apt.conf.d/60community-box-updates",
  zoneinfo: "/usr/share/zoneinfo",
} as const;

/** Files that a person shares with the box on its FAT partition; `used`: the name of answers.yaml after a reset. */
export function answersPaths(bootMount: string): {
  answers: string;
  report: string;
  used: string;
  /** A text from the person who prepared the card for the one who sets the box up. */
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
