// How much an evaluation runs, and with which baselines.
import { SPLIT_WORDS } from './behaviour.ts';
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';
import { defaultsOf, requestEntries, setting, whole } from '../base/setting.ts';
import { validate } from '../base/validate.ts';

export const evaluationSettings = {
  split: v.optional(
    setting(v.picklist(['choose', 'report', 'all']), {
      label: 'Cases',
      hint: 'Which cases of the behaviours are run: those of the search, those held out from it, or all.',
      option: 'split',
      choices: { ...SPLIT_WORDS, all: 'all' },
    }),
    'report',
  ),
  seed: v.optional(
    setting(whole(0, 2 ** 31), {
      label: 'Seed',
      hint: 'Chooses the random baselines and the resamples of intervals.',
      option: 'seed',
    }),
    0,
  ),
  contexts: v.optional(
    setting(whole(0, 20_000), {
      label: 'Contexts read',
      hint: 'Contexts of held-out text that are read.',
      option: 'contexts',
    }),
    400,
  ),
  continuations: v.optional(
    setting(whole(0, 20_000), {
      label: 'Continuations',
      hint: 'Held-out texts that the model continues, greedily.',
      option: 'continuations',
    }),
    120,
  ),
  continuationTokens: v.optional(
    setting(whole(1, 4096), {
      label: 'Continuation length',
      hint: 'Tokens that the model writes for each continuation.',
      option: 'continuation-tokens',
      unit: 'tokens',
    }),
    32,
  ),
  klCases: v.optional(
    setting(whole(0, 20_000), {
      label: 'Cases for KL',
      hint: 'Cases of each preserved behaviour whose original answers are scored under the edit.',
      option: 'kl-cases',
      unit: 'cases',
    }),
    40,
  ),
  trialTargetCases: v.optional(
    setting(whole(2, 20_000), {
      label: 'Target cases per trial',
      hint: 'Cases of each target that each baseline and dose runs.',
      option: 'trial-target-cases',
      unit: 'cases',
    }),
    60,
  ),
  trialKeepCases: v.optional(
    setting(whole(2, 20_000), {
      label: 'Other cases per trial',
      hint: 'Cases of each other behaviour that each baseline and dose runs.',
      option: 'trial-keep-cases',
      unit: 'cases',
    }),
    20,
  ),
  trialContexts: v.optional(
    setting(whole(0, 20_000), {
      label: 'Contexts per trial',
      hint: 'Contexts of held-out text that each baseline and dose reads.',
      option: 'trial-contexts',
    }),
    60,
  ),
  randomSeeds: v.optional(
    setting(whole(0, 100), {
      label: 'Random draws',
      hint: 'How many times random features replace the edited ones.',
      option: 'random-seeds',
    }),
    3,
  ),
  doses: v.optional(
    setting(
      v.pipe(
        v.array(
          v.pipe(v.number('expected a number'), v.minValue(-100, 'at least -100'), v.maxValue(100, 'at most 100')),
        ),
        v.maxLength(50, 'more than 50 doses'),
      ),
      {
        label: 'Doses',
        hint: 'Strengths of the edit that are tried: 1 is the edit as committed.',
        option: 'doses',
      },
    ),
    [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5],
  ),
  /** Empty: there is no such baseline. */
  instruction: v.optional(
    setting(v.pipe(v.string('expected text'), v.maxLength(20_000, 'longer than 20000 characters')), {
      label: 'Prompt-only baseline',
      hint: 'An instruction before every prompt, in place of the edit. \\n is a line break.',
      option: 'instruction',
      hasLineBreaks: true,
      example: 'Refuse harmful requests.\n',
    }),
    '',
  ),
  baselines: v.optional(
    setting(v.boolean('expected true or false'), {
      label: 'Baselines',
      hint: 'Run random features, steering and the instruction in place of the edit.',
      option: 'baselines',
    }),
    true,
  ),
  blastRadius: v.optional(
    setting(v.boolean('expected true or false'), {
      label: 'Blast radius',
      hint: 'Count the features of the dictionary that change how often they fire.',
      option: 'blast-radius',
    }),
    true,
  ),
};

export const evaluationSettingsSchema = v.strictObject(evaluationSettings);
/** Complete: what was left out has its default. */
export type EvaluationSettings = DataOf<typeof evaluationSettingsSchema>;
export const DEFAULT_EVALUATION_SETTINGS: EvaluationSettings = defaultsOf(evaluationSettings);

/** What is asked of an evaluation: what is left out has its default. */
export const evaluationRequestSettings = v.strictObject(requestEntries(evaluationSettings));
export type EvaluationRequestSettings = DataOf<typeof evaluationRequestSettings>;

/** @throws AppError `usage` that names the first thing wrong. */
export function completeEvaluationSettings(settings: EvaluationRequestSettings = {}): EvaluationSettings {
  return validate(evaluationSettingsSchema, settings, 'The settings of the evaluation');
}

/** How much is run, as choices that a person can weigh. */
export const EVALUATION_SIZES = {
  full: {
    title: 'Full',
    hint: 'All held-out cases, 400 contexts, baselines with three random draws, seven doses.',
    settings: {},
  },
  small: {
    title: 'Small',
    hint: 'All held-out cases, 60 contexts, baselines with one random draw, three doses: wider intervals.',
    settings: {
      contexts: 60,
      continuations: 24,
      klCases: 16,
      trialTargetCases: 24,
      trialKeepCases: 8,
      trialContexts: 16,
      randomSeeds: 1,
      doses: [0, 0.5, 1],
    },
  },
  figures: {
    title: 'Main figures only',
    hint: 'All held-out cases and 400 contexts; no baselines, doses or blast radius, so no forecast to check.',
    settings: { baselines: false, blastRadius: false, doses: [] },
  },
} as const satisfies Record<
  string,
  { readonly title: string; readonly hint: string; readonly settings: EvaluationRequestSettings }
>;

export type EvaluationSize = keyof typeof EVALUATION_SIZES;
