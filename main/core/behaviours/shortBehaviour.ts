// The short form of a behaviour's JSON, as the sample's recipe and other programs write it: `prompts` instead of `cases`,
// one check to a prompt, every prompt the exact text that the model is given. Whatever else a prompt says in text becomes
// a tag. It is read, never written.
import * as v from 'valibot';
import { validate } from '../../contract/base/validate.ts';

const bounded = { above: v.optional(v.number('expected a number')), below: v.optional(v.number('expected a number')) };

const shortCheckSchema = v.variant(
  'type',
  [
    v.strictObject({ type: v.literal('contains'), value: v.string('expected text') }),
    v.strictObject({ type: v.literal('regex'), value: v.string('expected text') }),
    v.strictObject({ type: v.literal('refuses') }),
    v.strictObject({ type: v.literal('continuationProbability'), continuation: v.string('expected text'), ...bounded }),
    v.strictObject({
      type: v.literal('logitDifference'),
      positive: v.string('expected text'),
      negative: v.string('expected text'),
      ...bounded,
    }),
    v.strictObject({
      type: v.literal('multipleChoice'),
      choices: v.array(v.string('expected text')),
      answer: v.number('expected the index of a choice'),
    }),
  ],
  (issue) => (issue.type === 'variant' ? `unknown check ${issue.received}` : issue.message),
);

const shortSchema = v.strictObject({
  name: v.string('expected text'),
  kind: v.picklist(['target', 'keep'], 'expected target or keep'),
  description: v.optional(v.string('expected text'), ''),
  maxNewTokens: v.optional(v.number('expected a number of tokens'), 64),
  prompts: v.array(
    v.objectWithRest(
      {
        prompt: v.string('expected text'),
        check: shortCheckSchema,
        split: v.optional(v.string('expected text')),
        heldOut: v.optional(v.boolean('expected true or false'), false),
      },
      v.string('expected text'),
    ),
  ),
});

type ShortCheck = v.InferOutput<typeof shortCheckSchema>;

export function isShortForm(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'prompts' in value && !('cases' in value);
}

/** The same as `parseBehaviour` reads it, which judges the rest. @throws AppError `invalid-file` naming the first thing wrong. */
export function fromShortForm(value: unknown, subject: string): Record<string, unknown> {
  const { name, kind, description, maxNewTokens, prompts } = validate(shortSchema, value, subject, 'invalid-file');
  return {
    name,
    description,
    aim: kind === 'target' ? 'lower' : 'keep',
    maxNewTokens,
    cases: prompts.map(({ prompt, check, split, heldOut, ...tags }) => ({
      role: kind === 'target' ? 'target' : 'collateral',
      prompt,
      raw: true,
      checks: [fromShortCheck(check)],
      ...(split === undefined ? {} : { split }),
      isHeldOut: heldOut,
      tags,
    })),
  };
}

function fromShortCheck(check: ShortCheck): Record<string, unknown> {
  switch (check.type) {
    case 'contains':
      return { kind: 'contains', text: check.value, ignoreCase: false };
    case 'regex':
      return { kind: 'regex', pattern: check.value, ignoreCase: false };
    case 'refuses':
      return { kind: 'refuses' };
    case 'continuationProbability':
      return { kind: 'probability', continuation: check.continuation, ...bound(check) };
    case 'logitDifference':
      return { kind: 'logitDifference', continuation: check.positive, against: check.negative, ...bound(check) };
    case 'multipleChoice':
      return { kind: 'multipleChoice', choices: check.choices, answer: check.answer };
  }
}

/** Exactly one of `above` and `below`; the other way about, `parseBehaviour` says that the bound is missing. */
function bound({ above, below }: { above?: number | undefined; below?: number | undefined }): Record<string, unknown> {
  if (above !== undefined && below === undefined) return { bound: 'atLeast', value: above };
  if (below !== undefined && above === undefined) return { bound: 'atMost', value: below };
  return {};
}
