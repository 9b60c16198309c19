// What keeps the tokenizer of a stranger from running or growing without end: the regular expressions in it can explode, and of
// its normalizers, which run one after another, each may write thirty characters for one. Whatever else a tokenizer can do
// ends in a time that the length of the text tells.
import type { Tokenizer } from '@huggingface/tokenizers';
import { isObject, type JsonObject } from '../files/json.ts';

/**
 * Expressions of the field, on which no text makes a search explode: that of GPT-2, and what GPT-4, Llama 3 and Qwen 2 made
 * of it. A time limit costs a short text as much as its tokens, so tokenizers with no others go without.
 */
const HARMLESS_PATTERNS: ReadonlySet<string> = new Set([
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
]);

/** True where a part of a tokenizer's definition searches by expressions that might explode. */
export function hasForeignPatterns(...parts: readonly unknown[]): boolean {
  let isForeign = false;
  JSON.stringify(parts, (key, value: unknown) => {
    if (key === 'Regex' && !(typeof value === 'string' && HARMLESS_PATTERNS.has(value))) isForeign = true;
    return value;
  });
  return isForeign;
}

/** Says how long the text is that comes next. */
export type SetLimit = (length: number) => void;

/** Unicode's longest decomposition has 18 characters; a few more for spaces that are written out. */
const MOST_GROWTH = 64;
/** What a short text may grow to whatever its length: a prefix, say. */
const ALWAYS_ALLOWED = 100_000;

/** Lets no step of the tokenizer's normalizer give a text that is many times as long as the one that came in. */
export function limitGrowth(tokenizer: Tokenizer): SetLimit {
  let longest = 0;
  const steps = [tokenizer.normalizer];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (step === null) continue;
    steps.push(...(step.normalizers ?? []));
    const normalize = step.normalize.bind(step);
    step.normalize = (text) => {
      const normalized = normalize(text);
      if (normalized.length > longest) {
        throw new Error(`its normalizer makes a text of ${normalized.length} characters of it`);
      }
      return normalized;
    };
  }
  return (length) => (longest = ALWAYS_ALLOWED + MOST_GROWTH * length);
}

/** @throws Error for pieces of no length, of which no text is ever made up. */
export function refuseEndlessSteps({ pre_tokenizer: given }: JsonObject): void {
  const steps: unknown[] = [given];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (!isObject(step)) continue;
    if (Array.isArray(step['pretokenizers'])) steps.push(...(step['pretokenizers'] as unknown[]));
    const { type, length } = step;
    if (type === 'FixedLength' && !(typeof length === 'number' && length >= 1)) {
      throw new Error('it cuts text into pieces of no length');
    }
  }
}

/** @throws Error for a pattern that the library only warns of and then leaves out, which would give other tokens. */
export function refuseUnknownPatterns({ normalizer, pre_tokenizer: preTokenizer, decoder }: JsonObject): void {
  JSON.stringify([normalizer, preTokenizer, decoder], (key, value: unknown) => {
    if (key !== 'pattern') return value;
    const { String: text, Regex: expression } = isObject(value) ? value : {};
    if (typeof (text ?? expression) === 'string') return value;
    throw new Error(`it has a pattern that is neither a text nor an expression: ${JSON.stringify(value).slice(0, 60)}`);
  });
}
