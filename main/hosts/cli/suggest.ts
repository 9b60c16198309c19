// The nearest known word to one that is not known.
import { editDistance } from '../../contract/base/nearest.ts';

/** The known word that `word` most likely means, or undefined when none is near. Words of any length are safe to pass. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length === 0 || word.length > 60) return undefined;
  const scored = known.map((candidate) => ({
    candidate,
    score: candidate.startsWith(word) ? 0.5 : editDistance(word, candidate),
  }));
  const best = scored.sort((a, b) => a.score - b.score)[0];
  if (!best) return undefined;
  const { candidate, score } = best;
  return score <= (candidate.length < 4 ? 1 : Math.max(2, candidate.length / 3)) ? candidate : undefined;
}
