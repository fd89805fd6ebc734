// SPDX-License-Identifier: GPL-3.0-or-later
// The anchor of a heading, by the rule of sites that show repositories, so that a link works there and on our site.

/** "On Linux, with `./cbox flash`" becomes `on-linux-with-cbox-flash`. */
export function slug(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");
}
