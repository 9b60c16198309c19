// A behaviour: a suite of prompts, each with checks that need no judge to be decided. Content only, so that its id (the
// sha-256 of its canonical content) names exactly what was measured; a changed suite is another behaviour.
import * as v from 'valibot';
import { lineSchema, paragraphSchema } from '../base/fields.ts';
import { checkSchema, exactText, someText, type Check } from './checks.ts';

export const BEHAVIOUR_FORMAT = 'errata.behaviour.1';
export const MAX_CASES = 20_000;
const MAX_CHECKS = 32;
const LONGEST_PROMPT = 200_000;

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
/** As people read them. */
export const SPLIT_WORDS: Readonly<Record<CaseSplit, string>> = { choose: 'search', report: 'held-out' };

/** Indices of the cases of a split whose prompts contain a text, whatever its case. */
export function matchingCases(
  cases: readonly Pick<Case, 'prompt' | 'split'>[],
  { split, text = '' }: { readonly split?: CaseSplit | undefined; readonly text?: string },
): number[] {
  const sought = text.toLowerCase();
  return [...cases.entries()].flatMap(([index, each]) =>
    (split === undefined || each.split === split) && each.prompt.toLowerCase().includes(sought) ? [index] : [],
  );
}

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

export const caseSchema = v.strictObject({
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

export const behaviourSchema = v.strictObject({
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
