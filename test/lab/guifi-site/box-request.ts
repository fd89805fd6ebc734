// SPDX-License-Identifier: GPL-3.0-or-later
// The site without a network between: asked by a box in the same process, for unit tests.
import type { Box } from "../../../firstboot/host/box.ts";
import type { Site } from "./site.ts";

/** @param now the site's clock, such as `() => box.now()` */
export function asBoxRequest(site: Site, now: () => Date = () => new Date()): Box["request"] {
  return async ({ method, url, headers = {} }) => {
    const { pathname, search } = new URL(url);
    const { status, body } = site.handle({
      method,
      path: pathname,
      query: search.slice(1),
      headers: Object.entries(headers),
      now: now(),
    });
    return { status, body: Buffer.from(body) };
  };
}
