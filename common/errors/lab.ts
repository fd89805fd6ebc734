// SPDX-License-Identifier: GPL-3.0-or-later
// Errors of the lab, the closed community for tests, and of measurements in it.

import type { ErrorEntries } from "./entry.ts";

export const labErrors = {
  "lab-address-in-use": {
    means: "two hosts of the lab have one address",
    hint: "correct `test/lab/hosts/index.ts`",
  },
  "lab-box-attached": {
    means: "a box of this name is plugged into the lab already",
    hint: "switch that one off first",
  },
  "lab-busy": {
    means: "another process sets the lab up, or has a box plugged in",
    hint: "wait, or end the process named",
  },
  "lab-certificate-failed": {
    means: "the lab's openssl could not make a certificate",
    hint: "`./cbox lab down`, then `./cbox doctor`",
  },
  "lab-down": { means: "the lab is not up", hint: "`./cbox lab up`" },
  "lab-fault-unknown": {
    means: "the lab knows no fault of this name",
    hint: "`./cbox lab fault` lists them",
  },
  "lab-host-unknown": {
    means: "the lab has no server of this name to change, or it is down",
    hint: "`./cbox lab status`",
  },
  "lab-member-missing": {
    means: "a Serf member did not appear in time (tests)",
    hint: "`./cbox lab status`",
  },
  "lab-name-invalid": {
    means: "a lab's name is not 1 to 16 lower-case letters and digits",
    hint: "another `--name`",
  },
  "lab-namespace-in-use": {
    means: "a process that is not the lab's runs in its network namespace",
    hint: "look at it with the command in the hint, end it",
  },
  "lab-network-refused": {
    means: "the machine does not let the lab make namespaces, bridges or taps",
    hint: "`./cbox doctor`; in a container: more privileges",
  },
  "lab-server-failed": {
    means: "a server of the lab ended or did not get ready; its last words are shown",
    hint: "`./cbox lab down`, then `./cbox doctor`",
  },
  "lynis-unread": {
    means: "Lynis ended, but its report has no hardening index",
    hint: "run it again; its log is in the guest until the command ends",
  },
} satisfies ErrorEntries;
