// The checks of a case: each needs no judge to be decided. All texts are exact: their white space is part of what is measured.
import * as v from 'valibot';
import { lineSchema } from '../base/fields.ts';
import { wrongPattern } from './pattern.ts';

const LONGEST_TEXT = 10_000;
const LONGEST_PATTERN = 1000;

/** Checks of the first four kinds look at the generated text, the others at the model's probabilities after the prompt. */
export type Check =
  | { readonly kind: 'contains'; readonly text: string; readonly ignoreCase: boolean; readonly expected: boolean }
  /** As pattern.ts reads it, flags `u` and, where `ignoreCase`, `i`. */
  | { readonly kind: 'regex'; readonly pattern: string; readonly ignoreCase: boolean; readonly expected: boolean }
  /** Refuses within its first 200 characters, by the phrases of the evaluator (checks.ts) or those given here. */
  | { readonly kind: 'refuses'; readonly phrases: readonly string[]; readonly expected: boolean }
  /** Probability of the whole continuation, 0 to 1, at least or at most `value`. */
  | { readonly kind: 'probability'; readonly continuation: string; readonly bound: Bound; readonly value: number }
  /** ln p(continuation) − ln p(against), at least or at most `value` nats. */
  | {
      readonly kind: 'logitDifference';
      readonly continuation: string;
      readonly against: string;
      readonly bound: Bound;
      readonly value: number;
    }
  /** The likeliest of the choices, by mean log-likelihood per token, is `answer` (an index) or, where not expected, is not. */
  | {
      readonly kind: 'multipleChoice';
      readonly choices: readonly string[];
      readonly answer: number;
      readonly expected: boolean;
    };

export type Bound = 'atLeast' | 'atMost';

/** Prompts and continuations are exact: their white space is part of what is measured. */
export function exactText(longest: number) {
  return v.pipe(
    v.string('expected text'),
    v.maxLength(longest, `longer than ${longest} characters`),
    v.check((text) => text.isWellFormed(), 'the text holds half a surrogate pair, which is not Unicode'),
    v.check((text) => !text.includes('\0'), 'the text holds a NUL'),
  );
}

export const someText = (longest: number) => v.pipe(exactText(longest), v.minLength(1, 'the text is empty'));

const expected = v.optional(v.boolean('expected true or false'), true);
const ignoreCase = v.optional(v.boolean('expected true or false'), true);
const bound = v.picklist(['atLeast', 'atMost'], 'expected atLeast or atMost');
const finite = v.pipe(v.number('expected a finite number'), v.finite('expected a finite number'));

export const checkSchema = v.variant(
  'kind',
  [
    v.strictObject({ kind: v.literal('contains'), text: someText(LONGEST_TEXT), ignoreCase, expected }),
    v.strictObject({
      kind: v.literal('regex'),
      pattern: v.pipe(
        someText(LONGEST_PATTERN),
        v.check(
          (pattern) => wrongPattern(pattern) === null,
          ({ input }) => wrongPattern(input) ?? '',
        ),
      ),
      ignoreCase,
      expected,
    }),
    v.strictObject({
      kind: v.literal('refuses'),
      phrases: v.optional(v.pipe(v.array(lineSchema(200, 1)), v.maxLength(200, 'more than 200 phrases')), []),
      expected,
    }),
    v.strictObject({
      kind: v.literal('probability'),
      continuation: someText(LONGEST_TEXT),
      bound,
      value: v.pipe(finite, v.minValue(0, 'a probability is 0 to 1'), v.maxValue(1, 'a probability is 0 to 1')),
    }),
    v.strictObject({
      kind: v.literal('logitDifference'),
      continuation: someText(LONGEST_TEXT),
      against: someText(LONGEST_TEXT),
      bound,
      value: finite,
    }),
    v.pipe(
      v.strictObject({
        kind: v.literal('multipleChoice'),
        choices: v.pipe(
          v.array(someText(LONGEST_TEXT)),
          v.minLength(2, 'fewer than two choices'),
          v.maxLength(64, 'more than 64 choices'),
        ),
        answer: v.pipe(
          v.number('expected the index of a choice'),
          v.integer('expected the index of a choice'),
          v.minValue(0, 'expected the index of a choice'),
        ),
        expected,
      }),
      v.check(({ choices, answer }) => answer < choices.length, 'the answer is none of the choices'),
    ),
  ],
  (issue) => (issue.type === 'variant' ? `unknown check ${issue.received}` : issue.message),
);
