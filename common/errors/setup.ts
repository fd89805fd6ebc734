// SPDX-License-Identifier: GPL-3.0-or-later
// Errors of a box's set-up. Its pages use `trouble.<code>` and `trouble.<code>.hint` of the catalogues; a command
// with the same error has its own texts (`error.<code>`).

import type { ErrorEntries } from "./entry.ts";

export const setupErrors = {
  "account-gone": {
    means: "the account that was chosen as the owner's is not on the converted machine any more",
    hint: "`sudo cbox system setup`, and choose another account",
  },
  "account-missing": {
    means: "the owner's account could not be made on the box",
    hint: "try again; the log (`l`) has the words of `useradd`",
  },
  "api-forbidden": {
    means: "the member who signed in may not change that node or device",
    hint: "sign in as a member who looks after it, or choose another device for the address",
  },
  "api-logged-out": {
    means: "another program keeps logging in with the same account",
    hint: "wait until it is done",
  },
  "api-login-disagrees": {
    means: "the directory accepts the password, the web site does not",
    hint: "a password changed today is the new one at the web site; an account can be blocked there",
  },
  "api-login-refused": {
    means: "the community's web site does not accept user name and password",
    hint: "type them again, or log in there with a browser",
  },
  "api-not-found": {
    means: "the web site does not find the node or device that was named",
    hint: "look at the number of the node; another device for the address, or none",
  },
  "api-rejected": {
    means: "the web site does not accept the data; its words are shown",
    hint: "change the answers",
  },
  "api-reply-invalid": {
    means: "the web site sent an invalid answer",
    hint: "try again later; tell the community",
  },
  "api-unavailable": { means: "the web site is out of order", hint: "try again later" },
  "box-full": {
    means:
      "the disk of the box, or a context's part of it, has no room left; the message names the file " +
      "or the command",
    hint: "`df -h`; `sudo apt clean`; `sudo journalctl --vacuum-size=16M`; then the same again",
  },
  "box-unregistered": {
    means: "services can only be declared for a box that is registered at a node",
    hint: "`cbox node setup`",
  },
  "box-without-address": {
    means: "services can only be declared for a box with an address at its node",
    hint: "`cbox node setup`",
  },
  "command-failed": {
    means: "a command of the system failed on the box; its last words are shown",
    hint: "try again; in the set-up the log (`l`) has the details, else `sudo journalctl --boot`",
  },
  "command-slow": {
    means:
      "a command that asks somebody else did not end in its time, although it was run twice; it was " +
      "ended",
    hint:
      "try again when the box is less busy; in the set-up the log (`l`) has the details, else `sudo " +
      "journalctl --boot`",
  },
  "compose-invalid": {
    means: "Docker cannot read a compose file, or it publishes a port without a single number",
    hint: "correct the file: the message says where",
  },
  "compose-start": {
    means: "Docker could not start a project's containers; its words are shown",
    hint: "mend what it says, then the same command again",
  },
  "compose-variables": {
    means:
      "a compose file uses variables (`$DB_PASSWORD`) that nobody has set: Docker would take " +
      "blanks, also for passwords",
    hint: "set them in a file `.env` beside the compose file; a `$` of a password is written `$$`",
  },
  "context-silent": {
    means: "a context was started, but no command runs in it",
    hint: "`incus list --all-projects`, `incus console --show-log`; then `sudo cbox contexts setup`",
  },
  "contexts-limits": {
    means: "Incus holds other limits for a context than the set-up planned",
    hint: "`sudo cbox contexts setup`",
  },
  "contexts-not-made": {
    means: "the step found no record of a division",
    hint: "`sudo cbox contexts setup`",
  },
  "data-disk-unknown": {
    means:
      "the disk that the box started from cannot be found, so there is no place for the data " + "partition",
    hint: "try again; look at `lsblk` on the box",
  },
  "data-partition-damaged": {
    means:
      "Incus knows the pools of the contexts, but their partition has no file system of the box any " +
      "more",
    hint: "look at the log and at `sudo blkid`; to give the data up: `sudo cbox reset --all`",
  },
  "data-partition-missing": {
    means: "systemd-repart ended well, but there is no partition CBOX-DATA",
    hint: "try again; look at the log and at `lsblk`",
  },
  "device-name-taken": { means: "the device name and all like it are taken", hint: "choose another name" },
  "device-not-shown": {
    means: "the node's page does not show the box, or with another address",
    hint: "try again; the web site may take a while",
  },
  "device-still-shown": {
    means: "the node's page still shows the device after it was removed",
    hint: "try again; else remove it at the web site",
  },
  "gateway-silent": {
    means: "the gateway of a static address does not answer",
    hint: "check its address and the cable, or go on without",
  },
  "giver-full": {
    means: "the device that was chosen has no address left to give",
    hint: "choose another device, or none",
  },
  "giver-unknown": {
    means: "the node has no such device with an address by cable",
    hint: "choose another device, or none",
  },
  "host-keys-missing": {
    means: "the box has no SSH host keys although they were made",
    hint: "try again; is the disk full?",
  },
  "install-damaged": {
    means: "what was written to the disk does not come back as it was",
    hint: "try again; if it fails again, the disk is broken",
  },
  "install-disk-gone": {
    means: "the disk to install to is not there any more, or in use",
    hint: "look at its cables and try again, or choose another one",
  },
  "install-disk-small": {
    means: "the system does not fit on the disk to install to",
    hint: "choose a larger disk",
  },
  "install-names-missing": {
    means: "a file of the stick does not say where the system is",
    hint: "write the image to the stick again",
  },
  "install-source-unknown": {
    means: "the stick that the box started from is not laid out as the image is",
    hint: "write the image to the stick again",
  },
  "interface-missing": {
    means: "no network interface was found for a static address",
    hint: "plug the cable in and try again, or name the interface",
  },
  "ldap-error": {
    means:
      "the members' directory answered with an error of its own, or with something that is no reply " +
      "to a sign-in",
    hint: "try again later",
  },
  "machine-id-missing": {
    means: "`/etc/machine-id` of the box is not 32 hexadecimal digits",
    hint: "restart the box; is the disk read-only?",
  },
  "member-not-kept": { means: "the box has not kept who looks after it", hint: "try again" },
  "member-refused": {
    means: "the community does not know this user name with this password",
    hint: "change the answers, or sign in later",
  },
  "member-unasked": {
    means: "neither the directory nor the web site can be asked",
    hint: "check the network, or sign in later: `cbox member setup`",
  },
  "no-address": {
    means: "the box got no network address in time",
    hint: "check the cable, or go on: it takes the address as soon as it gets one",
  },
  "no-room": {
    means: "what was asked for, and what is in use, do not fit into a context",
    hint: "ask for less, remove a sliver, or `sudo cbox contexts resize community`",
  },
  "node-unknown": { means: "there is no node with this number", hint: "look it up on the community's map" },
  "password-not-set": {
    means: "the account has no usable password although one was chosen",
    hint: "try again",
  },
  "password-unencrypted": {
    means:
      "the community's settings name a web site or directory by which everybody on the way could " +
      "read a password; it is not sent",
    hint:
      "an address with https or ldaps; for a site that has none, `plain_http: true` beside it, and " +
      "the box warns before it asks",
  },
  "path-is-link": {
    means:
      "a folder that another account may write to, such as `~/.ssh`, is a link; what root does does " +
      "not follow it, since it could lead anywhere; the message names the folder",
    hint: "look where it leads (`ls -ld`), take it away, then the same again",
  },
  "preseed-broken": {
    means: "what Incus is to be told does not come out right: the template in the image is damaged",
    hint: "write the image to the disk again",
  },
  "rendezvous-empty": {
    means: "the rendezvous names nobody in the VPN any more; the box keeps those that it knows",
    hint: "tell who looks after it; if really nobody is left: `sudo cbox vpn setup`",
  },
  "rendezvous-network-unknown": {
    means: "the rendezvous does not know a VPN of this name",
    hint: "check the name, or go on without the VPN",
  },
  "rendezvous-refused": {
    means: "the rendezvous wants another key of the VPN",
    hint: "ask the community for it, or go on without the VPN",
  },
  "rendezvous-reply-invalid": {
    means: "the answer of the rendezvous is invalid; nothing of it was used",
    hint: "try again later; tell the community if it stays so",
  },
  "rendezvous-silent": {
    means: "no rendezvous of the VPN answers",
    hint: "check the network; try again, or join later: `cbox vpn setup`",
  },
  "reply-too-large": {
    means: "a community server answers with more than can be right",
    hint: "try again later; tell the community if it stays so",
  },
  "serf-field": {
    means: "what a service would announce has white space, which would break the search of older nodes",
    hint:
      "take it out of the service's `publication` (pairs of `txt` are joined by `&`) or of the " +
      "community's `microcloud`",
  },
  "serf-not-published": {
    means: "discovery runs, but the box is not announced",
    hint: "try again, or go on: it tries again every ten minutes",
  },
  "serf-silent": {
    means: "discovery (Serf) was started but does not answer",
    hint: "try again, or go on; `cbox status` tells how it is later",
  },
  "server-slow": { means: "a community server does not answer in time", hint: "try again later" },
  "server-unreachable": {
    means: "a community server cannot be reached",
    hint: "check the network and try again",
  },
  "server-untrusted": {
    means: "the certificate of a community server cannot be trusted",
    hint: "put the community's authority as `ca.pem` on `CBOX-BOOT`; look at the clock",
  },
  "service-failed": {
    means: "services that were chosen do not work; the others do",
    hint: "`sudo cbox services log ID`, then `sudo cbox services enable ID`",
  },
  "service-images": {
    means: "the container images of a service cannot be fetched",
    hint: "they come from the Internet: try again when the box has it, and room on its disk",
  },
  "service-impossible": {
    means: "the service cannot work on this box, or not there",
    hint: "the message says why; `cbox services` lists what can",
  },
  "service-needed": {
    means: "a service is not switched off, because others that are on need it",
    hint: "switch those off first",
  },
  "service-no-room": {
    means: "the packages of a service would not fit on the disk of where it runs; nothing was begun",
    hint:
      "make room: `df -h /`, `sudo apt clean`; in a context: `sudo cbox contexts resize community " +
      "--disk GIB`",
  },
  "service-packages": {
    means: "the packages of a service could not be installed from the image",
    hint: "try again; `sudo cat /var/log/apt/term.log` has the details",
  },
  "service-port-taken": {
    means: "another program listens on the port of the service",
    hint: "see which one: `sudo ss -lntup`; then `sudo cbox services enable ID`",
  },
  "service-template": {
    means: "a template of a service asks for something that templates do not have",
    hint: "a mistake in the service's folder; see the names in `profiles/schemas/service.schema.json`",
  },
  "ssh-not-listening": {
    means: "the SSH server of the box does not answer",
    hint: "try again; the log (`l`) has the details",
  },
  "stopped-by-hand": {
    means: "somebody pressed `x` while the set-up did something, and did not want to wait for it",
    hint: "try again: what was done is not done twice",
  },
  "template-missing": {
    means: "the image lacks the template that contexts start from",
    hint: "write the image to the disk again",
  },
  unexpected: {
    means: "something of the set-up that was not foreseen",
    hint: "try again; report the log if it fails again",
  },
  "updates-not-set": {
    means: "the timers of the security updates are not as they were chosen",
    hint: "`sudo cbox system setup`; the log (`l`) has the words of `systemctl`",
  },
  "vpn-address-conflict": {
    means: "the VPN has the addresses of the local network; nothing was changed",
    hint: "change those of the local network, or go on without the VPN",
  },
  "vpn-gateway-key": {
    means:
      "the rendezvous gives a gateway another key than `vpn.gateways` of the community file; what " +
      "the box had stays",
    hint: "ask the community whether the gateway has a new key; if not, somebody poses as the rendezvous",
  },
  "vpn-gateway-missing": {
    means:
      "the rendezvous names none of the gateways in `vpn.gateways` of the community file; what the " +
      "box had stays",
    hint: "ask the community whether its gateways have changed; if not, somebody poses as the rendezvous",
  },
  "vpn-no-interface": {
    means: "no network card by which the VPN could know the box",
    hint: "plug one in, or go on without the VPN",
  },
  "vpn-range-holds": {
    means:
      "the network that the VPN would have holds an address that the box needs outside of it: of its " +
      "router, a name, time or package server, the rendezvous, the directory, the web site, or " +
      "Serf's start; what the box had stays",
    hint: "tell who looks after the VPN; or go on without it",
  },
  "vpn-range-refused": {
    means:
      "the rendezvous gives an address in a network that the VPN may not have; what the box had " + "stays",
    hint:
      "`vpn.ranges` of the community file names those that are allowed: tell the community, or go on " +
      "without the VPN",
  },
  "vpn-silent": {
    means: "nobody answers through the VPN, or a neighbour's tinc is too old to be understood",
    hint: "try again, or go on: the box keeps trying",
  },
  "vpn-stopped": { means: "tinc does not run", hint: "try again; the log (`l`) has the details" },
  "wifi-card-missing": {
    means: "the Wi-Fi card of the box is not there any more",
    hint: "try again, or choose the cable",
  },
  "wifi-not-found": {
    means: "the Wi-Fi network is not in reach",
    hint: "check its name and bring the box nearer, or use a cable",
  },
  "wifi-not-joined": {
    means: "the Wi-Fi network is there, but does not let the box in",
    hint: "look whether the access point lets new devices in, or use a cable",
  },
  "wifi-refused": {
    means: "the Wi-Fi network does not accept the passphrase",
    hint: "change the answers and type it again; capitals matter",
  },
} satisfies ErrorEntries;
