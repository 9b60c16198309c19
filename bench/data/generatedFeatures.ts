// Features as browsing meets them, generated: rows of statistics, the texts around their strongest places, a label for each.
import type { LabelRow } from '../../main/core/labels/labelsFile.ts';
import { Random } from '../../main/core/numerics/random.ts';
import type { FeatureRow, FeatureWords } from '../../main/storage/entities/features.ts';

export interface GeneratedFeatures {
  readonly rows: readonly FeatureRow[];
  readonly topTokens: readonly string[];
  /** A word as frequent as in a language. */
  readonly word: () => string;
  texts(): AsyncGenerator<FeatureWords>;
  labels(dictionary: string): AsyncGenerator<LabelRow>;
}

/** Words as frequent as those of a language: the n-th comes 1/n as often as the first. */
function vocabulary(random: Random, size: number): () => string {
  const syllables = 'ka lo mi ren tas vel dor pin sha gu wex yth bra cle'.split(' ');
  const words = Array.from({ length: size }, () =>
    Array.from({ length: 1 + random.below(3) }, () => syllables[random.below(syllables.length)]!).join(''),
  );
  return () => words[Math.floor(size ** random.uniform()) - 1]!;
}

/** The same for the same size. */
export function generatedFeatures(size: number, random = new Random(1)): GeneratedFeatures {
  const word = vocabulary(random, 20_000);
  const sentence = (length: number) => Array.from({ length }, word).join(' ');
  const rows = Array.from({ length: size }, (_, feature): FeatureRow => {
    const rate = random.uniform() < 0.1 ? 0 : 10 ** (-5 * random.uniform());
    const mean = rate === 0 ? null : 4 * random.uniform();
    const [max, topEffect] = [mean === null ? 0 : 3 * mean, random.uniform()];
    return {
      feature,
      firings: Math.round(rate * 1e6),
      rate,
      mean,
      max,
      lastRate: random.uniform() < 0.8 ? 0 : random.uniform(),
      entropy: 10 * random.uniform(),
      topEffect,
      nearest: random.uniform(),
      impact: rate * (mean ?? 0) * topEffect,
    };
  });
  return {
    rows,
    topTokens: rows.map(word),
    word,
    async *texts() {
      for (const { feature, rate } of rows) {
        if (rate === 0) continue;
        const text = Array.from({ length: 5 }, () => sentence(16)).join('\n');
        yield { feature, text, before: text.slice(0, 60), peak: text.slice(60, 66), after: text.slice(66, 90) };
      }
    },
    async *labels(dictionary) {
      for (let feature = 0; feature < size; feature++) {
        const patch = { text: `${sentence(5)} ${feature}`, tags: [...new Set([word(), word()])].sort() };
        yield { line: feature + 2, dictionary, feature, patch, author: 'bench', time: null, comments: [] };
      }
    },
  };
}
