// SPDX-License-Identifier: GPL-3.0-or-later
// What a check is: one requirement on this machine, and the command that fulfils it.
import type { Host } from "../host/this-host.ts";

export const PURPOSES = ["build", "boot", "flash", "lab"] as const;
export type Purpose = (typeof PURPOSES)[number];

export interface Finding {
  readonly ok: boolean;
  /** What was found, in a few words. */
  readonly detail: string;
  /** The command, or the action, that corrects it. Always there when not ok. */
  readonly cure?: string;
}

/** The task of the person, as far as a check depends on it. */
export interface Circumstances {
  readonly cache: string;
  readonly out: string;
  /** Architectures of the profiles concerned. */
  readonly architectures: readonly string[];
  /** Debian releases of the profiles concerned. */
  readonly releases: readonly string[];
}

export interface Check {
  readonly id: string;
  readonly title: string;
  readonly neededFor: readonly Purpose[];
  /** Only profiles of these architectures need it; ./cbox installs it when one is asked for. */
  readonly onlyFor?: readonly string[];
  run(host: Host, circumstances: Circumstances): Promise<Finding>;
}

/** The command as this user has to type it. */
export function asRoot(host: Host, command: string): string {
  return host.userId === 0 ? command : `sudo ${command}`;
}
