import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { hashDictionary } from '../dictionaries/dictionary.ts';
import { EMPTY_EDIT, type Edit } from '../edits/edit.ts';
import { createOrtRuntime } from '../engine/ortRuntime.ts';
import { parseBehaviour, type Behaviour } from '../evaluation/behaviour.ts';
import { TreatedModel } from '../evaluation/treatedModel.ts';
import { openModel, type Model } from '../models/model.ts';
import { Random } from '../numerics/random.ts';
import * as v from 'valibot';
import { CausalScorer } from './causalScorer.ts';
import { findEdit } from './findEdit.ts';
import { findSettingsSchema } from './findSettings.ts';
import type { ShownCase } from './shownCase.ts';

const SITE = 'blocks.1.hook_resid_post';
const sample = join(import.meta.dirname, '../../resources/sample/model');
const runtime = createOrtRuntime('cpu');

/** Directions without any meaning, each of which fires on about half of the positions. */
function randomDictionary(modelHash: string, size: number): Dictionary {
  const random = new Random(3);
  const d = 128;
  const rows = () => Float32Array.from({ length: size * d }, () => random.normal() / Math.sqrt(d));
  return {
    architecture: 'relu',
    d,
    size,
    k: null,
    encoder: rows(),
    encoderBias: new Float32Array(size),
    decoder: rows(),
    decoderBias: new Float32Array(d),
    centre: new Float32Array(d),
    threshold: null,
    site: SITE,
    modelHash,
  };
}

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
    const treated = new TreatedModel({ model, runtime, dictionaries: new Map([[hash, dictionary]]), places: [place] });
    afterAll(() => Promise.all([scorer.release(), treated.release()]));
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
    ];
    const trials = edits.flatMap((edit) => cases.map((each) => ({ edit, shown: each })));
    const scores = await scorer.score(trials);
    for (const [index, trial] of trials.entries()) {
      const sumOf = async (text: ShownCase['said']) => {
        const [values = []] = await treated.logProbabilities({ edit: trial.edit }, [text]);
        return values.reduce((sum, value) => sum + value, 0);
      };
      const [against] = trial.shown.against;
      const expected = (await sumOf(trial.shown.said)) - (against ? await sumOf(against) : 0);
      // float32 through two graphs whose batches differ
      expect(scores[index]?.score).toBeCloseTo(expected, 3);
    }
    expect(new Set(scores.map(({ score }) => score.toFixed(3))).size).toBeGreaterThan(cases.length); // the edits do something
  });

  const behaviour = (name: string, aim: Behaviour['aim'], prompts: readonly string[], text: string) =>
    parseBehaviour({
      name,
      aim,
      maxNewTokens: 6,
      cases: prompts.map((prompt) => ({
        role: 'target',
        prompt,
        raw: true,
        split: 'choose',
        checks: [{ kind: 'contains', text }],
      })),
    });
  const countries = ['France', 'Spain', 'Italy', 'Norway'];
  const capitals = () =>
    behaviour(
      'capitals',
      'lower',
      countries.map((name) => `User: What is the capital of ${name}?\nAssistant:`),
      'The capital of',
    );

  it('finds nothing in directions without meaning, and says so', async () => {
    const tiny = { ...randomDictionary(await model.hash(), 24) };
    tiny.decoder.forEach((_, index) => (tiny.decoder[index] = (tiny.decoder[index] ?? 0) / 100));
    const id = hashDictionary(tiny);
    const found = await findEdit({
      model,
      runtime,
      dictionaries: new Map([[id, tiny]]),
      places: [{ site: SITE, dictionary: id }],
      target: capitals(),
      keep: [],
      settings: v.parse(findSettingsSchema, {}),
    });
    expect(found.edit.operations).toEqual([]);
    expect(found.isReached).toBe(false);
  });

  it('refuses a target that is to be kept too', async () => {
    const target = capitals();
    const input = {
      model,
      runtime,
      dictionaries: new Map([[hash, dictionary]]),
      places: [{ site: SITE, dictionary: hash }],
      settings: v.parse(findSettingsSchema, {}),
    };
    await expect(findEdit({ ...input, target, keep: [target] })).rejects.toMatchObject({ code: 'usage' });
    await expect(findEdit({ ...input, target: { ...target, aim: 'keep' }, keep: [] })).rejects.toMatchObject({
      code: 'usage',
    });
  });
});
