// SPDX-License-Identifier: GPL-3.0-or-later
// The nominal size of a disk, compared with its actual capacity.

const GIB = 2 ** 30;
/** A disk sold as "4 GB" is 7 % smaller than 4 GiB, some even a little smaller. */
const SOLD_AS = 0.9;

/** @param gib size that an image is made for, in GiB. @returns bytes of the smallest disk sold as that many GB */
export function leastBytes(gib: number): number {
  return gib * GIB * SOLD_AS;
}
