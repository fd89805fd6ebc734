// SPDX-License-Identifier: GPL-3.0-or-later
// The known word that a person most likely meant.
import { distance } from "fastest-levenshtein";

/** The candidate nearest to `word`, if it is near enough to be a typing error; else undefined. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  const ranked = candidates
    .map((candidate) => ({ candidate, slips: slips(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, slips }) => slips <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.candidate;
}

/** Number of changed letters. Swapped neighbours, and a truncated or extended word, count as one. */
function slips(word: string, candidate: string): number {
  const cutShort = word.length >= 3 && (candidate.startsWith(word) || word.startsWith(candidate));
  return cutShort || isSwapped(word, candidate) ? 1 : distance(word, candidate);
}

function isSwapped(word: string, candidate: string): boolean {
  const at = [...word].findIndex((letter, index) => letter !== candidate[index]);
  return (
    at >= 0 && word.slice(0, at) + word.charAt(at + 1) + word.charAt(at) + word.slice(at + 2) === candidate
  );
}
