// Steps of a tokenizer's definition in which the library takes JavaScript's white space for Unicode's: U+FEFF is none, U+0085 is.
// They are written out as expressions, which the library reads as the reference does.
import { TextDecoder } from 'node:util';
import type { Tokenizer } from '@huggingface/tokenizers';
import { isObject, type JsonObject } from '../files/json.ts';

type Rewrite = (step: JsonObject) => JsonObject;

/** \w of the reference's own expressions; in those of a definition, which another engine reads, joiners are no part of words. */
const WORD = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}`;

const REWRITES: Readonly<Record<string, Rewrite>> = {
  WhitespaceSplit: () => ({ type: 'Split', pattern: { Regex: '\\s+' }, behavior: 'Removed', invert: false }),
  Whitespace: () => ({
    type: 'Split',
    pattern: { Regex: `[${WORD}]+|[^${WORD}\\s]+` },
    behavior: 'Removed',
    invert: true,
  }),
  Strip: ({ strip_left: left, strip_right: right, ...rest }) => {
    if (left === undefined && right === undefined) return { ...rest, type: 'Strip' }; // the decoder of that name
    const removed = (Regex: string) => ({ type: 'Replace', pattern: { Regex }, content: '' });
    return {
      type: 'Sequence',
      normalizers: [...(left === true ? [removed('^\\s+')] : []), ...(right === true ? [removed('\\s+$')] : [])],
    };
  },
};

/** A normalizer or pre-tokenizer whose steps mean to the library what they mean to the reference. */
export function withUnicodeSpaces(step: unknown): unknown {
  if (!isObject(step)) return step;
  const rewrite =
    typeof step['type'] === 'string' && Object.hasOwn(REWRITES, step['type']) ? REWRITES[step['type']] : undefined;
  if (rewrite) return rewrite(step);
  const steps = ['normalizers', 'pretokenizers'].filter((name) => Array.isArray(step[name]));
  if (steps.length === 0) return step;
  return {
    ...step,
    ...Object.fromEntries(steps.map((name) => [name, (step[name] as unknown[]).map(withUnicodeSpaces)])),
  };
}

/** Keeps U+FEFF where a decoder puts bytes together: it is no mark there. */
export function keepMarks(tokenizer: Tokenizer): void {
  const steps: unknown[] = [tokenizer.decoder];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (typeof step !== 'object' && typeof step !== 'function') continue;
    if (step === null) continue;
    if ('decoders' in step && Array.isArray(step.decoders)) steps.push(...(step.decoders as unknown[]));
    if ('text_decoder' in step) step.text_decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  }
}
