import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashDictionary, type Dictionary } from '../dictionaries/dictionary.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { IntervenableModel } from '../interventions/intervenableModel.ts';
import { openModel, type Model } from '../models/model.ts';
import { CausalScorer } from './causalScorer.ts';
import type { ShownCase } from './shownCase.ts';
import { randomDictionary, sampleModel as sample, SITE } from '../../testing/finder/plantedDictionary.ts';

const runtime = createCpuRuntime();

describe('scoring edits on cases', () => {
  let model: Model;
  let dictionary: Dictionary;
  let hash: string;
  beforeAll(async () => {
    model = await openModel(sample);
    dictionary = randomDictionary(await model.hash(), 24);
    hash = hashDictionary(dictionary);
  });

  const shown = (ids: readonly number[], promptLength: number, against: ShownCase['against'] = []): ShownCase => ({
    behaviour: 'b',
    prompt: '',
    promptIds: ids.slice(0, promptLength),
    said: { ids, promptLength },
    against,
  });

  it('many at once equal each alone, by another graph', async () => {
    const place = { site: SITE, dictionary: hash };
    const scorer = await CausalScorer.open({
      model,
      runtime,
      dictionaries: new Map([[hash, dictionary]]),
      places: [place],
      tokensPerRun: 40,
    });
    const intervenable = new IntervenableModel({
      model,
      runtime,
      dictionaries: new Map([[hash, dictionary]]),
      places: [place],
    });
    afterAll(() => Promise.all([scorer.release(), intervenable.release()]));
    const edits: Edit[] = [
      EMPTY_EDIT,
      ...[2, 5, 9].map((feature): Edit => ({
        operations: [
          {
            ...place,
            feature,
            kind: 'clampActive',
            value: -6,
            scope: { positions: 'notBos' },
            gates: feature === 9 ? [{ feature: 2, threshold: -1 }] : [],
          },
        ],
      })),
    ];
    const cases = [
      shown([0, 40, 41, 42, 43, 44], 3),
      shown([0, 90, 91, 300], 2),
      shown([0, 7, 8, 9, 100], 4, [{ ids: [0, 7, 8, 9, 101], promptLength: 4 }]),
      { ...shown([0, 40, 41, 42, 43, 44], 3), said: { ids: [0, 40, 41, 42, 43, 44], promptLength: 3, scoredFrom: 5 } },
    ];
    const trials = edits.flatMap((edit) => cases.map((each) => ({ edit, shown: each })));
    const scores = await scorer.score(trials);
    for (const [index, trial] of trials.entries()) {
      const sumOf = async (text: ShownCase['said']) => {
        const { promptLength, scoredFrom = promptLength } = text;
        const [values = []] = await intervenable.logProbabilities({ edit: trial.edit }, [text]);
        return values.slice(scoredFrom - promptLength).reduce((sum, value) => sum + value, 0);
      };
      const [against] = trial.shown.against;
      const expected = (await sumOf(trial.shown.said)) - (against ? await sumOf(against) : 0);
      // float32 through two graphs whose batches differ
      expect(scores[index]?.score).toBeCloseTo(expected, 3);
    }
    expect(new Set(scores.map(({ score }) => score.toFixed(3))).size).toBeGreaterThan(cases.length); // the edits do something
  });
});
