import { describe, expect, it } from 'vitest';
import type { Trial } from '../../contract/domain/evaluationReport.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { tryBaselines } from './baselineTrials.ts';
import { completeEvaluationSettings } from '../../contract/domain/evaluationSettings.ts';

const hash = 'd'.repeat(64);
const edit: Edit = {
  operations: [
    {
      site: 'blocks.1.hook_resid_post',
      dictionary: hash,
      feature: 3,
      scope: { positions: 'all' },
      gates: [],
      kind: 'ablate',
    },
  ],
};
const trial: Trial = {
  suites: [],
  remaining: null,
  target: null,
  targetRefuses: null,
  kept: null,
  crossEntropy: null,
  kl: null,
  failure: null,
};

/** With a dictionary of so many features, all of one firing rate. */
async function draws(features: number, randomSeeds: number, edited = edit) {
  const warnings: string[] = [];
  const tried: { readonly strength: number | undefined; readonly isEdit: boolean }[] = [];
  const baselines = await tryBaselines({
    edit: edited,
    settings: completeEvaluationSettings({ randomSeeds }),
    firingRates: new Map([[hash, new Float64Array(features).fill(0.01)]]),
    directions: null,
    known: { before: trial, after: trial },
    tryOut: ({ edit: intervention, strength }) => {
      tried.push({ strength, isEdit: intervention === edited });
      return Promise.resolve(trial);
    },
    onWarning: (warning) => warnings.push(warning),
  });
  return { baselines, tried, random: baselines.filter(({ kind }) => kind === 'randomFeatures'), warnings };
}

describe('baselines of random features', () => {
  it('are different draws, and say which features they are', async () => {
    // Sixteen are as near as each other: eight draws that may repeat would differ with a probability of 0.12.
    const { random, warnings } = await draws(17, 8);
    const drawn = random.map(({ features }) => features.join());
    expect(drawn).toHaveLength(8);
    expect(new Set(drawn).size).toBe(8);
    expect(drawn).not.toContain('3');
    for (const { features, description } of random) expect(description).toContain(`: ${features.join(', ')})`);
    expect(warnings).toEqual([]);
  });

  it('are fewer where the dictionary has no more features, and a warning says so', async () => {
    const { random, warnings } = await draws(5, 8);
    expect(random).toHaveLength(4);
    expect(warnings).toHaveLength(4);
  });

  it('of an edit with gates stand behind the same gates, and once behind random ones', async () => {
    const gated: Edit = {
      operations: edit.operations.map((operation) => ({ ...operation, gates: [{ feature: 4, threshold: 0.5 }] })),
    };
    const { baselines } = await draws(30, 2, gated);
    const said = baselines.flatMap(({ kind, description }) =>
      kind.startsWith('random') ? [`${kind}: ${/ones(.*) \(draw/u.exec(description)?.[1] ?? ''}`] : [],
    );
    expect(said).toEqual([
      'randomFeatures: , behind the same gates',
      'randomFeaturesAndGates:  and of the gates',
      'randomFeatures: , behind the same gates',
    ]);
  });

  it('of an edit without gates are not drawn with gates, and do not speak of them', async () => {
    const { baselines } = await draws(30, 2);
    expect(baselines.map(({ kind }) => kind)).not.toContain('randomFeaturesAndGates');
    for (const { description } of baselines) expect(description).not.toContain('gates');
  });
});

it('the baseline of the wrong sign is the edit itself at strength -1', async () => {
  const { tried } = await draws(5, 0);
  expect(tried).toContainEqual({ strength: -1, isEdit: true });
});
