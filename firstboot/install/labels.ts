// SPDX-License-Identifier: GPL-3.0-or-later
// Labels of the file systems on an installed disk. Different from the image's: with the stick still present,
// "CBOX-ROOT" would be ambiguous, and the box might start with the kernel of one and the files of the other.

export interface Labels {
  readonly root: string;
  readonly boot: string;
}

/**
 * Derived from the new disk's GUID, so that two installed disks differ. ext4 allows 16 characters, FAT 11.
 */
export function labelsFor(tableId: string): Labels {
  const own = tableId.replaceAll("-", "").slice(0, 6).toUpperCase();
  return { root: `CBOX-ROOT-${own}`.slice(0, 16), boot: `CBOX-${own}` };
}

/** The image's labels, or those of an earlier installation: an installed box may be the source of the next one. */
const ROOT = /\bCBOX-ROOT(-[0-9A-F]{6})?\b/g;
const BOOT = /\bCBOX-(BOOT|[0-9A-F]{6})\b/g;

/** A configuration with the new labels. Undefined if it does not contain the root file system's label. */
export function relabel(text: string, { root, boot }: Labels): string | undefined {
  const renamed = text.replace(BOOT, boot).replace(ROOT, root);
  return renamed.includes(root) ? renamed : undefined;
}
