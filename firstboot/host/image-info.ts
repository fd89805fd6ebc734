// SPDX-License-Identifier: GPL-3.0-or-later
// The build's description of the image: /usr/lib/community-box/image.json.

import type { Community } from "../../common/community.ts";
import { fail } from "../../common/fail.ts";
import { parseJson } from "../../common/json.ts";
import type { Box } from "./box.ts";
import { errorText } from "./error-text.ts";
import { sayFound } from "./found-text.ts";
import { paths } from "./paths.ts";

/** The part of the community's settings that first boot uses; the file has all of them. */
export type CommunityInfo = Pick<
  Community,
  | "id"
  | "title"
  | "website"
  | "timezone"
  | "default_language"
  | "languages"
  | "keyboards"
  | "updates"
  | "address_ranges"
  | "ldap"
  | "api"
  | "licence"
  | "vpn"
  | "dns"
  | "ntp"
  | "serf"
>;

export interface ConsoleInfo {
  /** Name in /dev, e.g. "ttyS0". */
  readonly device: string;
  /** Baud; serial lines only. */
  readonly speed?: number;
}

/** The unit of the login prompt on a console. */
export function loginUnit({ device }: ConsoleInfo): string {
  // /dev/console is the only terminal of a container.
  if (device === "console") return "console-getty.service";
  return /^tty\d+$/.test(device) ? `getty@${device}.service` : `serial-getty@${device}.service`;
}

export interface ImageInfo {
  readonly version: string;
  readonly built: string;
  readonly profile: {
    readonly id: string;
    readonly title: string;
    readonly architecture: string;
    readonly release: string;
  };
  readonly consoles: readonly ConsoleInfo[];
  /** Where the FAT partition with answers.yaml is mounted; on a converted machine a directory. */
  readonly boot_mount: string;
  /** A converted Debian: its accounts, SSH, network and disk are not changed. */
  readonly converted?: boolean;
  /** A system container on a server: it has no disk of its own, and is not divided. */
  readonly container?: boolean;
  /** Whether the set-up may offer to install to an internal disk. */
  readonly install?: boolean;
  /** How the box is divided; "none" if its Debian has no Incus. */
  readonly contexts?: "incus" | "none";
  readonly disk?: { readonly minimum_gib: number };
  readonly community: CommunityInfo;
}

/** The community's web site as people write it: "guifi.net". */
export function websiteName({ community }: Pick<ImageInfo, "community">): string {
  return community.website.replace(/^https?:\/\/(www\.)?/, "").replace(/\/+$/, "");
}

/** Minimum disk size of the image, in GiB. */
export function minimumGib({ disk }: ImageInfo): number {
  return disk?.minimum_gib ?? 4;
}

/** Fails with `image-info-unreadable`. */
export async function readImageInfo(box: Pick<Box, "readFile">): Promise<ImageInfo> {
  const text = (await box.readFile(paths.imageInfo)) ?? "";
  const info = parseJson<ImageInfo | undefined>(text, undefined);
  if (info) return info;
  return fail({
    code: "image-info-unreadable",
    ...errorText("error.image-info-unreadable", { file: paths.imageInfo }),
    ...sayFound(text ? "found.not-json" : "found.file-absent"),
  });
}
