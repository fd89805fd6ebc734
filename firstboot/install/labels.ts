// SPDX-License-Identifier: GPL-3.0-or-later
// Names of the file systems on an installed disk. Not those of the image: with the stick still in, "CBOX-ROOT" would
// mean either, and the box would start with the kernel of one and the files of the other.

export interface Labels {
  readonly root: string;
  readonly boot: string;
}

/**
 * Follow from the new disk's GUID, so that two installed disks differ as well. ext4 has room for 16 signs, FAT for 11.
 */
export function labelsFor(tableId: string): Labels {
  const own = tableId.replaceAll("-", "").slice(0, 6).toUpperCase();
  return { root: `CBOX-ROOT-${own}`.slice(0, 16), boot: `CBOX-${own}` };
}

/** The image's, or those that an earlier installation gave: an installed box may be the source of the next one. */
const ROOT = /\bCBOX-ROOT(-[0-9A-F]{6})?\b/g;
const BOOT = /\bCBOX-(BOOT|[0-9A-F]{6})\b/g;

/** A configuration of the image, told the new names. Undefined: it does not name the root file system at all. */
export function relabel(text: string, { root, boot }: Labels): string | undefined {
  const renamed = text.replace(BOOT, boot).replace(ROOT, root);
  return renamed.includes(root) ? renamed : undefined;
}
