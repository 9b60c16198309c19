// Which entries of the palette fit what was typed: every typed word must begin a word of the entry, or at least be in it.

/** @returns how well it fits, the higher the better; null when it does not. */
export function fuzzyMatch(typed: string, text: string): number | null {
  const wanted = typed
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== '');
  const given = text.toLowerCase();
  let score = 0;
  for (const word of wanted) {
    const at = given.indexOf(word);
    if (at < 0) {
      const spread = subsequence(word, given);
      if (spread === null) return null;
      score += 1 - spread / 100;
    } else {
      const startsWord = new RegExp(`(^|[^\\p{L}\\p{N}])${escape(word)}`, 'u').test(given);
      score += startsWord ? 10 - at / 100 : 5 - at / 100;
    }
  }
  return score - given.length / 1000;
}

/** Letters in order but apart; only for words long enough to mean something. */
function subsequence(word: string, text: string): number | null {
  if (word.length < 3) return null;
  let from = -1;
  const first = text.indexOf(word.charAt(0));
  for (const letter of word) {
    from = text.indexOf(letter, from + 1);
    if (from < 0) return null;
  }
  const spread = from - first - word.length;
  return spread <= word.length ? spread : null;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/gu, '\\$&');
}
