// How much an evaluation runs, as choices that a person can weigh; full is what main/core/evaluation/report.ts has by default.
import type { InputOf } from '../../../../main/contract/rpc/procedure.ts';
import type { ErrataContract } from '../../../../main/contract/api/contract.ts';

type Settings = NonNullable<InputOf<ErrataContract['evaluation']['plan']>['settings']>;

export const SIZES = {
  full: {
    title: 'Full',
    hint: 'All report cases, 400 contexts, baselines with three random draws, seven doses.',
    settings: {},
  },
  small: {
    title: 'Small',
    hint: 'All report cases, 60 contexts, baselines with one random draw, three doses: wider intervals.',
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
    hint: 'All report cases and 400 contexts; no baselines, doses or blast radius, so no forecast to check.',
    settings: { baselines: false, blastRadius: false, doses: [] },
  },
} as const satisfies Record<string, { readonly title: string; readonly hint: string; readonly settings: Settings }>;

export type Size = keyof typeof SIZES;
