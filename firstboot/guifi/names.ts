// SPDX-License-Identifier: GPL-3.0-or-later
// Names of devices and services as the community's site keeps them.

/**
 * Characters of a device's or a service's name. The site's columns are that wide; of a longer name it keeps nothing at
 * all while it answers that all is well.
 */
export const NAME_LONGEST = 40;

/** The name with the suffix, the name cut so that both are at most {@link NAME_LONGEST} long. */
export function withSuffix(name: string, suffix: string): string {
  const cut = name.slice(0, NAME_LONGEST - suffix.length);
  return `${cut === name ? name : cut.replace(/(?<=[A-Za-z0-9])-+$/, "")}${suffix}`;
}
