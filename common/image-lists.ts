// SPDX-License-Identifier: GPL-3.0-or-later
// Facts about an image for checking answers, which depend on its packages: time zones, keyboards, countries, account
// names. The build reads them from the root file system and publishes them beside the image.

export interface ImageLists {
  readonly format: 1;
  /** Files of the image by path, if the check reads them; an empty text if it only checks that they exist. */
  readonly files: Readonly<Record<string, string>>;
  /** Directories of the image, with the relative paths of all files below them. */
  readonly directories: Readonly<Record<string, readonly string[]>>;
}
