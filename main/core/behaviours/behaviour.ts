// A behaviour: a suite of prompts, each with checks that need no judge to be decided. Content only, so that its id (the
// sha-256 of its canonical content) names exactly what was measured; a changed suite is another behaviour.
import * as v from 'valibot';
import { AppError, type ErrorCode } from '../../contract/base/errors.ts';
import { lineSchema, paragraphSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { canonicalJson, contentId } from '../edits/canonical.ts';

export const BEHAVIOUR_FORMAT = 'errata.behaviour.1';
export const MAX_CASES = 20_000;
const MAX_CHECKS = 32;
const LONGEST_PROMPT = 200_000;
const LONGEST_TEXT = 10_000;
const LONGEST_PATTERN = 1000;

/** Checks of the first four kinds look at the generated text, the others at the model's probabilities after the prompt. */
export type Check =
  | { readonly kind: 'contains'; readonly text: string; readonly ignoreCase: boolean; readonly expected: boolean }
  /** ECMAScript, flags `u` and, where `ignoreCase`, `i`. */
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

/** What a case is there for: to show the behaviour, to look like it without being it, or to show that nothing else moved. */
export const CASE_ROLES = ['target', 'lookalike', 'collateral'] as const;
export type CaseRole = (typeof CASE_ROLES)[number];

export interface Case {
  readonly role: CaseRole;
  /** Put before the prompt by the model's chat template, where it has one; empty: none. */
  readonly system: string;
  readonly prompt: string;
  /** The prompt is given to the model as it stands, without a chat template. */
  readonly raw: boolean;
  /** All must hold for the case to pass. */
  readonly checks: readonly Check[];
  readonly note: string;
  /** `choose`: an edit may be searched with it. `report`: figures are made from it, so no search may look at it. */
  readonly split: CaseSplit;
  /** Some part of its wording is one that the model has not been trained on. */
  readonly isHeldOut: boolean;
  /** Facts by which cases are grouped: `{"framing": "Developer mode", "topic": "weapons"}`. */
  readonly tags: Readonly<Record<string, string>>;
}

export const CASE_SPLITS = ['choose', 'report'] as const;
export type CaseSplit = (typeof CASE_SPLITS)[number];

/** What an edit wants of the share of cases that pass: that it falls, rises, or stays. */
export const AIMS = ['lower', 'raise', 'keep'] as const;
export type Aim = (typeof AIMS)[number];

export interface Behaviour {
  readonly format: typeof BEHAVIOUR_FORMAT;
  readonly name: string;
  readonly description: string;
  readonly aim: Aim;
  /** New tokens to generate for checks that look at text, greedily. */
  readonly maxNewTokens: number;
  readonly cases: readonly Case[];
}

/** A name that can be typed, listed and used as a file name: `refuses harmful requests`. */
export const behaviourNameSchema = v.pipe(
  lineSchema(100, 1),
  v.check(
    (name) => !/[/\\:*?"<>|]/u.test(name) && !name.startsWith('.') && !name.startsWith('-'),
    'the name holds / \\ : * ? " < > |, or begins with . or -',
  ),
);

/** Prompts and continuations are exact: their white space is part of what is measured. */
function exactText(longest: number) {
  return v.pipe(
    v.string('expected text'),
    v.maxLength(longest, `longer than ${longest} characters`),
    v.check((text) => text.isWellFormed(), 'the text holds half a surrogate pair, which is not Unicode'),
    v.check((text) => !text.includes('\0'), 'the text holds a NUL'),
  );
}

const someText = (longest: number) => v.pipe(exactText(longest), v.minLength(1, 'the text is empty'));
const expected = v.optional(v.boolean('expected true or false'), true);
const ignoreCase = v.optional(v.boolean('expected true or false'), true);
const bound = v.picklist(['atLeast', 'atMost'], 'expected atLeast or atMost');
const finite = v.pipe(v.number('expected a finite number'), v.finite('expected a finite number'));

const checkSchema = v.variant(
  'kind',
  [
    v.strictObject({ kind: v.literal('contains'), text: someText(LONGEST_TEXT), ignoreCase, expected }),
    v.strictObject({
      kind: v.literal('regex'),
      pattern: v.pipe(someText(LONGEST_PATTERN), v.check(compiles, 'not a regular expression (ECMAScript, flag u)')),
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

const caseSchema = v.strictObject({
  role: v.optional(v.picklist(CASE_ROLES, `expected one of ${CASE_ROLES.join(', ')}`), 'target'),
  system: v.optional(exactText(LONGEST_PROMPT), ''),
  prompt: someText(LONGEST_PROMPT),
  raw: v.optional(v.boolean('expected true or false'), false),
  checks: v.pipe(
    v.array(checkSchema),
    v.minLength(1, 'a case needs a check'),
    v.maxLength(MAX_CHECKS, `more than ${MAX_CHECKS} checks`),
  ),
  note: v.optional(paragraphSchema(5000), ''),
  split: v.optional(v.picklist(CASE_SPLITS, `expected one of ${CASE_SPLITS.join(', ')}`), 'report'),
  isHeldOut: v.optional(v.boolean('expected true or false'), false),
  tags: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/u, 'expected the name of a tag')),
        lineSchema(500, 1),
      ),
      v.check((tags) => Object.keys(tags).length <= 20, 'more than 20 tags'),
    ),
    {},
  ),
});

const behaviourSchema = v.strictObject({
  format: v.optional(v.literal(BEHAVIOUR_FORMAT, `expected the format ${BEHAVIOUR_FORMAT}`), BEHAVIOUR_FORMAT),
  name: behaviourNameSchema,
  description: v.optional(paragraphSchema(20_000), ''),
  aim: v.optional(v.picklist(AIMS, `expected one of ${AIMS.join(', ')}`), 'keep'),
  maxNewTokens: v.optional(
    v.pipe(
      v.number('expected a number of tokens'),
      v.integer('expected a whole number of tokens'),
      v.minValue(1, 'at least 1 token'),
      v.maxValue(4096, 'at most 4096 tokens'),
    ),
    64,
  ),
  cases: v.pipe(
    v.array(caseSchema),
    v.minLength(1, 'a behaviour needs a case'),
    v.maxLength(MAX_CASES, `more than ${MAX_CASES} cases`),
  ),
});

/**
 * Checks a behaviour from outside and fills in its defaults.
 * @throws AppError(code) naming the first thing wrong, two cases that contradict each other among it.
 */
export function parseBehaviour(value: unknown, subject = 'The behaviour', code: ErrorCode = 'usage'): Behaviour {
  const behaviour = validate(behaviourSchema, value, subject, code);
  const contradiction = findContradiction(behaviour.cases);
  if (contradiction === null) return behaviour;
  const { first, second, what } = contradiction;
  const where = first === second ? `case ${first + 1}` : `cases ${first + 1} and ${second + 1}`;
  throw new AppError(
    code,
    `${subject}: ${where} ${first === second ? 'contradicts itself' : 'contradict each other'}: ${what}.`,
    {
      details: { subject, first, second },
    },
  );
}

/** Checks one case, as a row of a file holds it. */
export function parseCase(value: unknown, subject: string, code: ErrorCode = 'invalid-file'): Case {
  return validate(caseSchema, value, subject, code);
}

/** @returns the id of a behaviour as `parseBehaviour` returns it. */
export function behaviourId(behaviour: Behaviour): string {
  return contentId(behaviour);
}

interface Contradiction {
  readonly first: number;
  readonly second: number;
  readonly what: string;
}

/** Two checks on one prompt that no model can pass both: the opposite of one another, or bounds that exclude each other. */
function findContradiction(cases: readonly Case[]): Contradiction | null {
  const seen = new Map<string, { readonly index: number; readonly check: Check }>();
  for (const [index, { system, prompt, raw, checks }] of cases.entries()) {
    for (const check of checks) {
      const rival = rivalKeys([system, prompt, raw], check);
      const other = seen.get(rival.opposite);
      if (other && excludes(other.check, check)) {
        return { first: other.index, second: index, what: `two ${check.kind} checks that cannot both hold` };
      }
      seen.set(rival.own, { index, check });
    }
  }
  return null;
}

/** Names under which a check and the check that could exclude it are found. */
function rivalKeys(place: readonly unknown[], check: Check): { readonly own: string; readonly opposite: string } {
  const key = (side: unknown, rest: unknown) => canonicalJson([place, side, rest]);
  if ('bound' in check) {
    const { bound: side, value: _, ...rest } = check;
    return { own: key(side, rest), opposite: key(side === 'atLeast' ? 'atMost' : 'atLeast', rest) };
  }
  const { expected: side, ...rest } = check;
  return { own: key(side, rest), opposite: key(!side, rest) };
}

function excludes(one: Check, other: Check): boolean {
  if (!('bound' in one) || !('bound' in other)) return true;
  const [low, high] = one.bound === 'atLeast' ? [one.value, other.value] : [other.value, one.value];
  return low > high;
}

function compiles(pattern: string): boolean {
  try {
    return Boolean(new RegExp(pattern, 'u'));
  } catch {
    return false;
  }
}
