// The nearest known word to one that is not known.

/** Levenshtein's distance: the fewest insertions, deletions and replacements of characters that turn `a` into `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known word that `word` most likely means, or undefined when none is near. Words of any length are safe to pass. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length === 0 || word.length > 60) return undefined;
  const scored = known.map((candidate) => ({
    candidate,
    score: candidate.startsWith(word) ? 0.5 : distance(word, candidate),
  }));
  const best = scored.sort((a, b) => a.score - b.score)[0];
  if (!best) return undefined;
  const { candidate, score } = best;
  return score <= (candidate.length < 4 ? 1 : Math.max(2, candidate.length / 3)) ? candidate : undefined;
}
