// SPDX-License-Identifier: GPL-3.0-or-later
// The known word a person most likely meant.
import { distance } from "fastest-levenshtein";

/** The candidate nearest to `word`, when it is near enough to be a slip of the pen; else undefined. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  const ranked = candidates
    .map((candidate) => ({ candidate, slips: slips(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, slips }) => slips <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.candidate;
}

/** Letters to change. Two swapped neighbours, and a word that was cut short or goes on, count as one slip. */
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
