// What differs between two answers: word by word, and whether anything does. Pure; spaces belong to the word before them.

export interface TextPiece {
  readonly text: string;
  /** The other text does not have it there. */
  readonly isChanged: boolean;
}

/** Longer texts are aligned by their common beginning and end alone: the table has a cell for every pair of words. */
const MOST_PAIRS = 1_000_000;

/** Both texts in pieces, neighbours of a kind joined; the pieces of each add up to it. */
export function changedWords(one: string, other: string): { one: readonly TextPiece[]; other: readonly TextPiece[] } {
  const [a, b] = [wordsOf(one), wordsOf(other)];
  const isSame = (i: number, j: number) => a[i]?.trimEnd() === b[j]?.trimEnd();
  const shortest = Math.min(a.length, b.length);
  let start = 0;
  while (start < shortest && isSame(start, start)) start++;
  let end = 0;
  while (end < shortest - start && isSame(a.length - 1 - end, b.length - 1 - end)) end++;
  const common = commonWords(a.length - start - end, b.length - start - end, (i, j) => isSame(start + i, start + j));
  const pieces = (words: readonly string[], kept: ReadonlySet<number>) =>
    joined(
      words.map((text, index) => ({
        text,
        isChanged: index >= start && index < words.length - end && !kept.has(index - start),
      })),
    );
  return { one: pieces(a, common.one), other: pieces(b, common.other) };
}

function wordsOf(text: string): readonly string[] {
  return text.match(/^\s+|\S+\s*/gu) ?? [];
}

/** Places of a longest common subsequence in each of two lists. */
function commonWords(rows: number, columns: number, isSame: (i: number, j: number) => boolean) {
  const kept = { one: new Set<number>(), other: new Set<number>() };
  if (rows * columns > MOST_PAIRS) return kept;
  const width = columns + 1;
  const lengths = new Uint32Array((rows + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      lengths[i * width + j] = isSame(i, j) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  for (let i = 0, j = 0; i < rows && j < columns;) {
    if (isSame(i, j)) {
      kept.one.add(i++);
      kept.other.add(j++);
    } else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return kept;
}

function joined(pieces: readonly TextPiece[]): readonly TextPiece[] {
  const result: TextPiece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (last?.isChanged === piece.isChanged) result[result.length - 1] = { ...last, text: last.text + piece.text };
    else result.push(piece);
  }
  return result;
}

export interface Answer {
  readonly passed: boolean;
  readonly output: string;
  readonly verdicts: readonly { readonly score: number | null }[];
}

/** The score of the first check that has one. */
export function scoreOf({ verdicts }: Pick<Answer, 'verdicts'>): number | null {
  return verdicts.find(({ score }) => score !== null)?.score ?? null;
}

/** The texts differ, or the verdicts, or the scores in the digits that are shown. */
export function answersDiffer(one: Answer, other: Answer): boolean {
  const shown = (answer: Answer) => scoreOf(answer)?.toPrecision(3);
  return one.output !== other.output || one.passed !== other.passed || shown(one) !== shown(other);
}
