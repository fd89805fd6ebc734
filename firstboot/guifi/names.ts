// SPDX-License-Identifier: GPL-3.0-or-later
// Limits of the community's site for names of devices and services.

/**
 * Maximum length of a device's or a service's name. The site's columns have this width; a longer name is lost
 * although the reply reports success.
 */
export const NAME_LONGEST = 40;

/** The name with the suffix, shortened so that both have at most {@link NAME_LONGEST} characters. */
export function withSuffix(name: string, suffix: string): string {
  const cut = name.slice(0, NAME_LONGEST - suffix.length);
  return `${cut === name ? name : cut.replace(/(?<=[A-Za-z0-9])-+$/, "")}${suffix}`;
}
