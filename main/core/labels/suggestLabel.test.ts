import { describe, expect, it } from 'vitest';
import type { FeatureExample, FeaturePage } from '../../contract/domain/featurePage.ts';
import { suggestLabels } from './suggestLabel.ts';

/** The token in brackets is the peak; tokens begin at spaces and at |. */
function example(text: string, firstPosition = 20): FeatureExample {
  const [before = '', peak = '', after = ''] = text.split(/[[\]]/u);
  const tokensOf = (part: string) => part.match(/ ?[^ |]+| $/gu) ?? [];
  const tokens = [...tokensOf(before), peak, ...tokensOf(after)];
  const at = tokensOf(before).length;
  const activations = tokens.map((_, index) => (index === at ? 2 : 0));
  return { context: 0, firstPosition, contextLength: 128, tokens, special: [], activations, peak: at, value: 2 };
}

function page(top: readonly string[], changes: Partial<FeaturePage> = {}, weak: readonly string[] = []): FeaturePage {
  return {
    ...{ feature: 7, tokens: 1000, firings: 50, rate: 0.05, mean: 1, deviation: 1, max: 2 },
    ...{ documentEnds: 10, lastFirings: 0, lastRate: 0, lastMean: null, histogram: { binWidth: 1, counts: [] } },
    top: top.map((text) => example(text)),
    groups: [{ from: 0, to: 0.2, examples: weak.map((text) => example(text)) }],
    ...{ logits: null, decoderNeighbours: [], cofiring: [], map: [0, 0] },
    ...changes,
  };
}

const best = (top: readonly string[], changes?: Partial<FeaturePage>, weak?: readonly string[]) =>
  suggestLabels(page(top, changes, weak)).suggestions[0]?.text;

describe('a suggested label', () => {
  it('is the word that the strongest examples share, also where it is several tokens', () => {
    expect(best(['a big[ harm] to', 'no[ Harm] done', 'some[ harm].', 'of[ good]'])).toBe('“harm”');
    expect(best(['let us[ g]|o out', 'they can[ g]|o', 'to[ g]|o home'])).toBe('“go”');
  });

  it('is the more specific pattern: the same word after the same', () => {
    expect(best(['the[ end] of', 'at the[ end]', 'was the[ end]'])).toBe('“end” after “the”');
  });

  it('is a kind of token where the tokens differ', () => {
    expect(best(['in[ 1998] we', 'page[ 12] of', 'all[ 7] days'])).toBe('numbers');
    expect(best(['Stop[!]', 'why[?]', 'yes[,] no', 'so[;]'])).toBe('punctuation');
    expect(best(['end[\n]', 'stop[\n\n]', 'here[\n]'])).toBe('line breaks');
  });

  it('is a word that stands before the strong examples and not before the weak', () => {
    const top = [
      'the dragon flew[ over] us',
      'a dragon and[ his] gold',
      'dragon with[ fiery] eyes',
      'one dragon[ slept]',
    ];
    expect(best(top, {}, ['the cat[ over] us', 'a dog and[ his] bone'])).toBe('after “dragon”');
  });

  it('is the end of documents where the feature fires mostly there', () => {
    expect(best(['so[ it]', 'all[ went]', 'is[ over]'], { firings: 10, lastFirings: 9 })).toBe('end of a document');
  });

  it('says in how many examples it holds, and what the feature raises', () => {
    const effects = [' yes', '\n', 'no'].map((token, id) => ({ id, token, effect: 1 - id * 0.6 }));
    const logits = { top: effects, bottom: [], entropy: 1, vocabularySize: 3 };
    expect(suggestLabels(page(['of[ good]', 'a[ good]', 'no[ bad]'], { logits }))).toEqual({
      suggestions: [{ text: '“good”', holds: 2, of: 3 }],
      effect: 'raises “yes”, “↵”',
      source: 'heuristic',
    });
  });

  it('is none where the examples have nothing in common, are too few, or there are none', () => {
    expect(best(['a[ cat]', 'no[ Tree]', 'of[ 12]', 'x[!]', 'y[ run]'])).toBeUndefined();
    expect(best(['a[ cat]', 'the[ cat]'])).toBeUndefined();
    expect(best([], { firings: 0 })).toBeUndefined();
  });

  it('is one line of plain text, whatever the tokens are', () => {
    const [first] = suggestLabels(
      page(Array.from({ length: 4 }, () => `.[\u0007<b>\u202e${'y'.repeat(200)}]`)),
    ).suggestions;
    expect(first?.text).toMatch(/^“�<b>�y+”$/u);
    expect(first?.text.length).toBeLessThan(80);
  });
});
