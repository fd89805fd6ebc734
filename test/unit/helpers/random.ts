// SPDX-License-Identifier: GPL-3.0-or-later
// Pseudo-random numbers for tests that damage valid input.

/** Whole numbers from 0 to below `limit`, the same for the same seed (xorshift32). `seed`: not 0. */
export function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}
