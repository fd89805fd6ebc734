// SPDX-License-Identifier: GPL-3.0-or-later
// What a check of answers has to know of an image and only its packages tell: time zones, keyboards, countries, names
// of accounts. The build takes it from the root file system and publishes it beside the image.

export interface ImageLists {
  readonly format: 1;
  /** Files of the image by path, as far as the check reads them; an empty text where it only asks whether they are there. */
  readonly files: Readonly<Record<string, string>>;
  /** Directories of the image, with the relative paths of all files below them. */
  readonly directories: Readonly<Record<string, readonly string[]>>;
}
