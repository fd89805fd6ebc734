// SPDX-License-Identifier: GPL-3.0-or-later
// What a host of the lab is: a name, an address, and at most one server program.
import type { Community as CommunityFile } from "../../common/community.ts";
import type { Frozen } from "../../image/profile/frozen.ts";

export type Community = Frozen<CommunityFile>;

/** Returns which program is to run, with which files; neither reads nor changes the machine. */
export interface Server {
  /** Run in the host's namespace, in the lab's root file system; its own directory is mounted at /srv. */
  readonly command: readonly string[];
  /** Files put into /srv before the start, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Names for a certificate by the lab's authority, put into /srv as tls.crt and tls.key, with ca.crt beside them. */
  readonly tls?: readonly string[];
  /** The line of its log that says it is ready to serve. */
  readonly ready: RegExp;
}

export interface LabHost {
  readonly name: string;
  /** IPv4 address; a host without one may ask the lab's DHCP server. */
  readonly address?: string;
  /** Option of the leases of the lab's DHCP server that names this host, such as `ntp-server`. */
  readonly leaseOption?: string;
  /** Names of the real network that this host answers to in the lab, with all names below them. */
  readonly answersFor?: (community: Community) => readonly string[];
  /** `all` is the whole lab, for servers that have to know the others. */
  readonly server?: (community: Community, all: readonly LabHost[]) => Promise<Server>;
}
