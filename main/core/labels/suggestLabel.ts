// A first idea for a feature's label, from what its strongest examples have in common and what it does to the logits. A
// heuristic on this machine: it is always shown as a suggestion, with what it rests on, and is never saved unasked.
//
// Looked for, in the strongest examples: the same word or token at the peak; the same word after the same; one kind of token (numbers,
// punctuation, line breaks, capitals); a word that stands before the peak in most of them but seldom elsewhere; the start of
// the text or the end of documents. A pattern must hold in most examples, and more specific ones win.
import type { FeatureExample, FeaturePage } from '../../contract/domain/featurePage.ts';

export interface LabelSuggestion {
  /** One line, as a label would be. */
  readonly text: string;
  /** In how many of the strongest examples the pattern holds. */
  readonly holds: number;
  readonly of: number;
}

export interface LabelSuggestions {
  /** The best first; empty when nothing is common to the examples. */
  readonly suggestions: readonly LabelSuggestion[];
  /** What it does to the next token, in words; null where it has no direct effect. */
  readonly effect: string | null;
  /** Where they come from, for whoever shows them. */
  readonly source: 'heuristic';
}

/** A pattern that holds in fewer of the examples is no label for them. */
const LEAST_SHARE = 0.6;
const LEAST_EXAMPLES = 3;
const BEFORE = 10;
const MOST_SUGGESTIONS = 3;
const SHOWN_EFFECTS = 4;

interface Candidate extends LabelSuggestion {
  /** Specific patterns count more than general ones. */
  readonly weight: number;
}

/** @param page of the feature */
export function suggestLabels(page: FeaturePage): LabelSuggestions {
  const { top, groups, logits } = page;
  const effect =
    logits && logits.top.some((each) => each.effect > 0)
      ? `raises ${logits.top
          .filter((each) => each.effect > 0)
          .slice(0, SHOWN_EFFECTS)
          .map(({ token }) => shown(token))
          .join(', ')}`
      : null;
  const others = groups.slice(-2).flatMap(({ examples }) => examples);
  const candidates = top.length < LEAST_EXAMPLES ? [] : [...patterns(page, top, others)];
  const suggestions = candidates
    .filter(({ holds, of }) => holds >= LEAST_SHARE * of)
    .sort((a, b) => (b.weight * b.holds) / b.of - (a.weight * a.holds) / a.of)
    .filter(({ text }, index, all) => all.findIndex((each) => each.text === text) === index)
    .slice(0, MOST_SUGGESTIONS)
    .map(({ text, holds, of }) => ({ text, holds, of }));
  return { suggestions, effect, source: 'heuristic' };
}

function* patterns(
  { lastFirings, firings }: FeaturePage,
  top: readonly FeatureExample[],
  others: readonly FeatureExample[],
): Generator<Candidate> {
  const of = top.length;
  const counted = (text: string, weight: number, holds: (example: FeatureExample) => boolean): Candidate => ({
    text,
    weight,
    holds: top.filter(holds).length,
    of,
  });
  const token = mostCommon(top.map(peakToken));
  if (token !== '') yield counted(quote(token), 1, (example) => peakToken(example) === token);
  const word = mostCommon(top.map((example) => wordAtPeak(example).word));
  if (word !== '' && word !== token) yield counted(quote(word), 1.25, (example) => wordAtPeak(example).word === word);
  const pair = mostCommon(top.map((example) => pairAtPeak(example)));
  const [before = '', after = ''] = pair.split('\n');
  if (before !== '')
    yield counted(`${quote(after)} after ${quote(before)}`, 1.4, (example) => pairAtPeak(example) === pair);
  for (const [text, weight, pattern] of KINDS) {
    yield counted(text, weight, ({ tokens, peak: at }) => pattern.test(tokens[at] ?? ''));
  }
  const earlier = commonBefore(top, others);
  if (earlier !== '') yield counted(`after ${quote(earlier)}`, 0.95, (example) => wordsBefore(example).has(earlier));
  yield counted('start of the text', 0.8, ({ firstPosition, peak: at }) => firstPosition + at <= 1);
  if (firings > 0 && lastFirings >= 0.5 * firings) {
    yield { text: 'end of a document', weight: 0.9, holds: Math.round((of * lastFirings) / firings), of };
  }
}

/** Kinds of tokens, by their text. Weighed less than a token of its own. */
const KINDS: readonly (readonly [text: string, weight: number, pattern: RegExp])[] = [
  ['line breaks', 0.9, /\n/u],
  ['numbers', 0.85, /^\s*\p{N}+\s*$/u],
  ['opening brackets and quotes', 0.8, /^\s*[\p{Ps}\p{Pi}]+$/u],
  ['closing brackets and quotes', 0.8, /^\s*[\p{Pe}\p{Pf}]+$/u],
  ['punctuation', 0.7, /^\s*[\p{P}\p{S}]+\s*$/u],
  ['words in capitals', 0.75, /^\s*\p{Lu}{2,}$/u],
  ['capitalised words', 0.6, /^\s*\p{Lu}\p{Ll}+$/u],
  ['endings of words', 0.45, /^\p{Ll}+$/u],
];

function peakToken({ tokens, peak }: FeatureExample): string {
  return plain(tokens[peak] ?? '');
}

/** The whole word that the peak is a part of, and the one before it; empty where there is none. */
function wordAtPeak({ tokens, peak }: FeatureExample): { word: string; before: string } {
  const token = tokens[peak] ?? '';
  const [left, right] = [
    tokens.slice(Math.max(0, peak - 2 * BEFORE), peak).join(''),
    tokens.slice(peak + 1, peak + BEFORE).join(''),
  ];
  const joins = /^[\p{L}\p{N}]/u.test(token);
  const start = joins ? (/[\p{L}\p{N}]*$/u.exec(left)?.[0] ?? '') : '';
  const end = /[\p{L}\p{N}]$/u.test(token) ? (/^[\p{L}\p{N}]*/u.exec(right)?.[0] ?? '') : '';
  const rest = left.slice(0, left.length - start.length);
  const before = /([\p{L}\p{N}]+)[^\p{L}\p{N}.!?\n]*$/u.exec(rest)?.[1] ?? '';
  return { word: plain(start + token + end), before: plain(before) };
}

/** Both words, a line each; empty where there is no word before. */
function pairAtPeak(example: FeatureExample): string {
  const { word, before } = wordAtPeak(example);
  return before === '' || word === '' ? '' : `${before}\n${word}`;
}

function wordsBefore({ tokens, peak }: FeatureExample): Set<string> {
  const words =
    tokens
      .slice(Math.max(0, peak - 2 * BEFORE), peak)
      .join('')
      .match(/\p{L}+/gu) ?? [];
  return new Set(
    words
      .filter((word) => word.length > 1)
      .slice(-BEFORE)
      .map(plain),
  );
}

/** The word that stands before most of the peaks and seldom before those of weak examples. */
function commonBefore(top: readonly FeatureExample[], others: readonly FeatureExample[]): string {
  const shareIn = (examples: readonly FeatureExample[], word: string) =>
    examples.filter((example) => wordsBefore(example).has(word)).length / Math.max(1, examples.length);
  const words = new Set(top.flatMap((example) => [...wordsBefore(example)]));
  let best = { word: '', score: 0 };
  for (const word of words) {
    const score = shareIn(top, word) - 2 * shareIn(others, word);
    if (score > best.score) best = { word, score };
  }
  return best.word;
}

function mostCommon(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? '';
}

/** Without spaces around and without regard to capitals. */
function plain(token: string): string {
  return token.trim().toLowerCase();
}

function quote(word: string): string {
  return `“${visible(word)}”`;
}

function shown(token: string): string {
  return `“${visible(token.trim() === '' ? token : token.trim())}”`;
}

/** A label is one line without control characters. */
function visible(text: string): string {
  return text
    .replaceAll('\n', '↵')
    .replaceAll('\t', '⇥')
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '�') // neither control characters nor overrides of direction
    .slice(0, 60);
}
