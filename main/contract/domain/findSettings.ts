// How widely and how long a search for an edit looks.
import * as v from 'valibot';
import { real, requestEntries, setting, whole } from '../base/setting.ts';

export const findSettings = {
  seed: v.optional(
    setting(whole(0, 2 ** 31), {
      label: 'Seed',
      hint: 'Chooses the cases that are looked at.',
      option: 'seed',
    }),
    0,
  ),
  targetCases: v.optional(
    setting(whole(2, 10_000), {
      label: 'Cases of the target looked at',
      hint: 'Cases of the behaviour to be removed that choose.',
      option: 'cases',
      unit: 'cases',
    }),
    160,
  ),
  keepCases: v.optional(
    setting(whole(1, 10_000), {
      label: 'Cases per preserved behaviour',
      hint: 'Search cases of each preserved behaviour.',
      option: 'keep-cases',
      unit: 'cases',
    }),
    128,
  ),
  /** Of each behaviour's split `report`, which no choice was made with. */
  reportCases: v.optional(
    setting(whole(0, 10_000), {
      label: 'Cases of each that report',
      hint: 'Cases of each behaviour that the search does not see and the result is measured on; 0 for none.',
      option: 'report-cases',
      unit: 'cases',
    }),
    96,
  ),
  positions: v.optional(
    setting(v.picklist(['anywhere', 'last', 'both']), {
      label: 'Compare activations at',
      hint: 'Where in a prompt the activation is read.',
      option: 'positions',
      choices: {
        anywhere: 'anywhere',
        last: 'on the last token',
        both: 'on the last token and anywhere',
      },
    }),
    'both',
  ),
  candidates: v.optional(
    setting(whole(1, 10_000), {
      label: 'Features proposed, of each dictionary',
      hint: 'Features of each dictionary that contrast proposes.',
      option: 'candidates',
      unit: 'features',
    }),
    512,
  ),
  mostOperations: v.optional(
    setting(whole(1, 256), {
      label: 'Max operations',
      hint: 'How large the edit may get.',
      option: 'most-operations',
      unit: 'operations',
    }),
    16,
  ),
  goalShown: v.optional(
    setting(real(0, 1), {
      label: 'Goal: share still shown',
      hint: 'The search ends when no more of the cases that choose still show the behaviour.',
      option: 'goal',
    }),
    0.01,
  ),
  goalRemaining: v.optional(
    setting(real(0, 1), {
      label: 'Goal of comparisons: share remaining',
      hint: 'Where continuations are compared: the share of the mean difference that may remain.',
      option: 'goal-remaining',
    }),
    0.45,
  ),
  harmWeight: v.optional(
    setting(real(0, 1000), {
      label: 'Damage penalty',
      hint: 'How much 1 nat of damage to the worst preserved behaviour counts against removing the behaviour completely; halved where nothing else helps.',
      option: 'harm-weight',
    }),
    4,
  ),
  tokensPerRound: v.optional(
    setting(whole(1000, 100_000_000), {
      label: 'Budget per round (tokens)',
      hint: 'Tokens that a round of the search may read: more find more, and take longer.',
      option: 'effort',
      unit: 'tokens',
    }),
    120_000,
  ),
};

export const findSettingsSchema = v.strictObject(findSettings);
/** Complete: what was left out has its default. */
export type FindSettings = Readonly<v.InferOutput<typeof findSettingsSchema>>;

/** What is asked of a search: what is left out has its default. */
export const findRequestSettings = v.strictObject(requestEntries(findSettings));
