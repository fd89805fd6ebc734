// SPDX-License-Identifier: GPL-3.0-or-later
// Errors of the shell scripts: the launcher `cbox` and the file that converts a machine (image/convert/head.sh).

import type { ErrorEntries } from "./entry.ts";

export const scriptErrors = {
  "convert-architecture": {
    means: "the file that converts a machine is for another kind of processor",
    hint:
      "the file whose name ends in `convert-amd64.run` or `convert-arm64.run`, as `dpkg " +
      "--print-architecture` says",
  },
  "convert-busy": {
    means: "the file that converts this machine is being run a second time",
    hint: "wait until the first run has ended",
  },
  "convert-damaged": {
    means: "the file that converts a machine is not complete, or not what was built",
    hint: "copy or download it again",
  },
  "convert-dpkg": {
    means: "the package system of the machine was interrupted before, not by us",
    hint: "`sudo dpkg --configure -a && sudo apt-get --fix-broken install`",
  },
  "convert-file": {
    means: "the machine has a file of its own where the box needs to put one",
    hint: "move it to another name and run the file again",
  },
  "convert-incus": {
    means: "Incus is in use on the machine, and the box would need it for itself",
    hint:
      "run the box as a container in that Incus: " +
      "[docs/boxes/container-amd64.md](../boxes/container-amd64.md)",
  },
  "convert-init": {
    means: "the system was not started by systemd, so nothing of the box could run",
    hint: "run the file on the running machine itself",
  },
  "convert-install": {
    means:
      "APT or dpkg could not install the packages; their words are in " +
      "`/var/log/community-box/convert.log`",
    hint: "run the file again: it goes on where it stopped",
  },
  "convert-is-box": {
    means: "the machine started as an image of Community Box",
    hint: "nothing: `cbox status`",
  },
  "convert-newer": {
    means: "the machine has a newer version of the box than the file brings",
    hint: "a newer file, or leave it as it is",
  },
  "convert-packages": {
    means: "the packages of the box do not go together with those of the machine",
    hint: "`sudo apt update && sudo apt full-upgrade`, then run the file again",
  },
  "convert-release": {
    means: "the machine does not run Debian 13 or a Raspberry Pi OS of it",
    hint: "upgrade it, or write an image of the box to a card or a disk",
  },
  "convert-space": {
    means: "there is too little room on the disk of the machine",
    hint: "make room: `df -h`; the message says how much is needed",
  },
  "node-too-old": {
    means: "Node.js is older than version 20",
    hint: "install a newer one; Debian 13 has it",
  },
  "npm-failed": {
    means: "the JavaScript packages could not be installed",
    hint: "read npm's words above the error; `npm ci`",
  },
  "packages-failed": {
    means: "APT could not install the Debian packages",
    hint: "read APT's words above the error",
  },
  "packages-missing": {
    means: "Debian packages are missing and may not be installed",
    hint: "run the command in the hint as root",
  },
} satisfies ErrorEntries;
