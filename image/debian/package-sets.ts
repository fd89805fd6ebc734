// SPDX-License-Identifier: GPL-3.0-or-later
// The packages that a profile requests from the archive, as one set of the lock file.

import type { ResolvedProfile } from "../profile/index.ts";
import { ESSENTIAL } from "./packages.ts";

/** live-build installs and removes this while it reads its package lists. */
const LIVE_BUILD_NEEDS = ["dctrl-tools"];

/** Name of the package set of one profile in the lock file. */
export const profileSet = (id: string) => `profile:${id}`;
/** The kernel package, where there is one. */
export const kernelOf = ({ kernel }: ResolvedProfile) => (kernel.package ? [kernel.package] : []);
export const profileRequest = (profile: ResolvedProfile) => [
  ...ESSENTIAL,
  ...profile.base_packages,
  ...kernelOf(profile).map((name) => (profile.kernel.suite ? `${name}/${profile.kernel.suite}` : name)),
  ...profile.packages,
  ...(profile.form === "convert" ? [] : LIVE_BUILD_NEEDS),
];

/** Name of the package set of the template of contexts in the lock file. */
export const CONTEXT_SET = "context";
export const CONTEXT_PACKAGES = [
  "ca-certificates",
  "dbus",
  "debian-archive-keyring",
  "iproute2",
  "iputils-ping",
  "kmod",
  "less",
  "libpam-systemd",
  "linux-sysctl-defaults",
  "nano",
  "netbase",
  "passwd",
  "procps",
  "systemd",
  "systemd-sysv",
  "unattended-upgrades",
  "udev", // networkd waits for it wherever /sys can be written to
];
export const CONTEXT_REQUEST = [...ESSENTIAL, ...CONTEXT_PACKAGES];
