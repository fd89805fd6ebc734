// SPDX-License-Identifier: GPL-3.0-or-later
// Errors of a box's commands, with texts in the catalogues: `error.<code>` and `error.<code>.hint`.

import type { ErrorEntries } from "./entry.ts";

export const commandErrors = {
  "account-stays": {
    means: "a reset could not remove the owner's account",
    hint: "restart the box: the reset goes on",
  },
  "amount-invalid": {
    means: "a size on the command line is no whole number, or beyond what this box can give",
    hint: "the message says from where to where",
  },
  "answers-not-yaml": {
    means: "the file with the answers of a step is not YAML",
    hint: "look at quotes, colons and indentation in the line named",
  },
  "compose-many-ports": {
    means: "a project would open more than 100 ports",
    hint: "the same command with `--yes`, or name those that are wanted: `--port NUMBER`",
  },
  "compose-name": {
    means:
      "a project cannot be called so: other signs than lower-case letters, digits and hyphens, or a " +
      "name of the catalogue",
    hint: "say another name: `--name wiki`",
  },
  "compose-not-own": {
    means: "`cbox services compose remove` is for the owner's own projects",
    hint: "`sudo cbox services disable NAME` switches a service of the catalogue off",
  },
  "compose-port": {
    means: "a port or range was named that the project does not publish",
    hint: "name one of those in the message, or publish it in the compose file",
  },
  "compose-source": {
    means: "there is no compose file at the place that was named",
    hint: "give the directory with the compose file in it, or the file",
  },
  configured: {
    means: "`cbox setup` was called on a box that is set up",
    hint: "`cbox status`; one part of it once more: `sudo cbox vpn setup`",
  },
  "contexts-off": {
    means: "the box has no contexts: too little memory or disk, a container itself, or not set up",
    hint: "`sudo cbox contexts setup`, where the box is large enough",
  },
  "dns-refused": {
    means:
      "the name server (BIND) does not take the list of domains from the community's site, or the " +
      "owner's own additions; the last list stays",
    hint: "look at `/etc/bind/named.conf.*private`, or wait: the box tries again every hour",
  },
  "image-info-unreadable": {
    means: "`/usr/lib/community-box/image.json` is missing or damaged",
    hint: "write the image to the disk again",
  },
  "not-configured": { means: "the box is not set up yet", hint: "go through the set-up at its console" },
  "owner-gets-the-rest": {
    means: "the owner's context was to be resized; it has what the community does not",
    hint: "`sudo cbox contexts resize community`",
  },
  "root-needed": { means: "only root can do this", hint: "the same command with `sudo`" },
  "search-ambiguous": {
    means:
      "at the ADDRESS:PORT that was given to `cbox search --join`, different services or identities " +
      "are announced; one of them may be somebody who poses as another",
    hint: "run `sudo cbox search TYPE` at a terminal, look who announces what, and choose by the number",
  },
  "search-itself": {
    means: "`cbox search --join` was asked to join the service of this very box",
    hint: "choose another one of the list",
  },
  "search-odd": {
    means:
      "what another box announces of a service has not the form that this box needs, such as a " +
      "Syncthing without its device id",
    hint: "choose another one, or ask who runs it",
  },
  "search-unknown": {
    means: "the number, or ADDRESS:PORT, is not in the list of `cbox search`",
    hint:
      "run `cbox search` again; `--join` takes ADDRESS:PORT alone, since the order of the list may " +
      "change",
  },
  "secret-missing": {
    means: "the answers of a step lack a secret that it needs",
    hint: "put it into the file, in the form of an `answers.yaml` with its sections",
  },
  "service-data-kept": {
    means: "removing the data of a service has to be confirmed",
    hint: "the same command with `--yes`",
  },
  "service-no-claim": {
    means: "`cbox services claim` is for a service whose first visitor becomes its administrator",
    hint: "nothing to do: it is not closed for that",
  },
  "service-no-copies": {
    means: "`cbox services spread` is for a service that keeps files on several boxes",
    hint: "`cbox services` lists them",
  },
  "service-not-ours": {
    means: "the unit belongs to the system and is only announced",
    hint: "`sudo cbox services unpublish ID`",
  },
  "service-not-public": { means: "the service has nothing to announce", hint: "nothing to do" },
  "service-off": { means: "the service is not switched on", hint: "`sudo cbox services enable ID`" },
  "service-running": {
    means: "the data of a service that is on is not removed",
    hint: "`sudo cbox services disable ID` first",
  },
  "service-unclaimed": {
    means:
      "`cbox services claim` was asked to open a service whose first account nobody has made, or " +
      "whose page does not answer; it stays closed",
    hint:
      "make the account as it says (a tunnel by SSH), then the same command; `--yes` opens it " +
      "without a look at its page",
  },
  "service-unknown": {
    means: "there is no such service in the catalogue",
    hint: "`cbox services` lists them",
  },
  "setup-busy": {
    means: "another set-up of this box is going on",
    hint: "finish it first, or leave it with Ctrl-C",
  },
  "setup-elsewhere": {
    means: "`cbox setup` is for machines that were converted; this box is set up at its consoles",
    hint: "press Enter there",
  },
  "sliver-exists": {
    means: "a sliver of this name is there already",
    hint: "enter it, or choose another name",
  },
  "sliver-name": {
    means: "the name is none for a sliver",
    hint:
      "letters a to z, digits and dashes, beginning with a letter, at most 30; not `owner` or " +
      "`community`",
  },
  "sliver-unknown": { means: "there is no sliver of this name", hint: "`sudo cbox contexts sliver list`" },
  "step-not-here": {
    means: "a part of the set-up that a converted machine looks after by itself, such as its network",
    hint: "change it as before the machine became a box",
  },
  "terminal-needed": {
    means:
      "the questions of a set-up need a terminal; so does a command that asks whether it is meant " +
      "(`cbox reset`, `cbox search`)",
    hint: "`--answers FILE`; `--yes`",
  },
  "unknown-command": { means: "`cbox` on the box has no such command (exit code 2)", hint: "`cbox help`" },
  "unknown-context": {
    means: "there are the contexts `owner` and `community`",
    hint: "use one of these names",
  },
  "vm-image-needed": {
    means: "a virtual machine was asked for without an image for it",
    hint: "`incus image import FILE --alias NAME`, then `--vm --image NAME`",
  },
  "vm-impossible": {
    means: "a virtual machine was asked for, and none can run here",
    hint: "leave out `--vm`: a container is right for most",
  },
  "vpn-key-damaged": {
    means:
      "the box's own key of the VPN is damaged or gone, so the rendezvous was not asked again (`cbox " +
      "vpn` says it)",
    hint: "`sudo cbox vpn setup` makes a new one",
  },
  "wall-network": {
    means: "`cbox contexts walls` was given no network, or one that is too wide to be opened",
    hint: "a network such as `10.1.2.0/27` or `2001:db8:1::/64`",
  },
  "wall-not-open": {
    means: "a network was to be closed to the community that is not open to it",
    hint: "`sudo cbox contexts walls` shows those that are",
  },
} satisfies ErrorEntries;
