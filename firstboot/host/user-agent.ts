// SPDX-License-Identifier: GPL-3.0-or-later
// The user agent of a box for every web server: product and version (RFC 9110, 10.1.5). `Box.request` adds it to each
// request; templates of services have it as `user_agent`.

import type { ImageInfo } from "./image-info.ts";

export function userAgent({ version }: Pick<ImageInfo, "version">): string {
  return `community-box/${version.replace(/[^A-Za-z0-9.+~-]/g, "-") || "0"}`;
}
