// SPDX-License-Identifier: GPL-3.0-or-later
// What a disk is sold as, against what it holds.

const GIB = 2 ** 30;
/** A disk sold as "4 GB" holds 7 % less than 4 GiB, some a little less still. */
const SOLD_AS = 0.9;

/** @param gib what an image is made for, in GiB. @returns bytes of the smallest disk that is sold as that many GB */
export function leastBytes(gib: number): number {
  return gib * GIB * SOLD_AS;
}
