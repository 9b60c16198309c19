// Prompts without checks as behaviours: what the model says to them now is what is to go, or to stay. So prompts can be pasted
// in and looked into before anybody has written a suite.
import * as v from 'valibot';
import type { Aim, Behaviour } from '../../contract/domain/behaviour.ts';
import { parseBehaviour } from '../behaviours/behaviour.ts';

export const promptsSchema = v.pipe(
  v.array(v.pipe(v.string('expected text'), v.minLength(1, 'a prompt is empty'))),
  v.minLength(4, 'fewer than four prompts. Add some: half choose the edit, half judge it'),
  v.maxLength(10_000, 'more than 10,000 prompts. Leave some out'),
);

export const promptListsSchema = v.strictObject({
  /** Prompts whose answers show the behaviour. */
  with: promptsSchema,
  /** Prompts to which the model must go on saying what it says now. */
  without: promptsSchema,
  /** How much of the answers counts, in tokens. */
  maxNewTokens: v.optional(
    v.pipe(v.number(), v.integer('expected a whole number'), v.minValue(1), v.maxValue(256, 'at most 256')),
    12,
  ),
  /** Given to the model as they stand, without its chat template. */
  raw: v.optional(v.boolean('expected true or false'), true),
});

/** Any text passes, so all of the model's answer is what is scored. */
const WHATEVER_IT_SAYS = { kind: 'regex', pattern: '[^]*', ignoreCase: false };

/** @throws AppError `usage` that says which list is wrong. */
export function behavioursOfLists(lists: v.InferOutput<typeof promptListsSchema>): {
  readonly target: Behaviour;
  readonly keep: readonly Behaviour[];
} {
  const behaviourOf = (name: string, aim: Aim, prompts: readonly string[]): Behaviour =>
    parseBehaviour(
      {
        name,
        aim,
        maxNewTokens: lists.maxNewTokens,
        cases: [...new Set(prompts)].map((prompt, index) => ({
          prompt,
          raw: lists.raw,
          checks: [WHATEVER_IT_SAYS],
          split: index % 2 === 0 ? 'choose' : 'report',
        })),
      },
      name,
    );
  return {
    target: behaviourOf('Prompts with the behaviour', 'lower', lists.with),
    keep: [behaviourOf('Prompts without the behaviour', 'keep', lists.without)],
  };
}
