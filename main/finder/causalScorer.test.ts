import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { hashDictionary } from '../dictionaries/dictionary.ts';
import { EMPTY_EDIT, type Edit } from '../edits/edit.ts';
import { createOrtRuntime } from '../engine/ortRuntime.ts';
import { parseBehaviour, type Behaviour } from '../evaluation/behaviour.ts';
import { readBehaviourFile } from '../evaluation/behaviourFile.ts';
import { openPromptEncoder } from '../evaluation/prompts.ts';
import { casesOf, runCases } from '../evaluation/runBehaviour.ts';
import { TreatedModel } from '../evaluation/treatedModel.ts';
import { openModel, type Model } from '../models/model.ts';
import { tokenTensor } from '../models/tokenBatch.ts';
import { buildVariant } from '../models/variant.ts';
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

/** Makes `feature` fire along the difference of two behaviours' mean activations at the last token, above their middle. */
async function plant(dictionary: Dictionary, feature: number, one: Behaviour, other: Behaviour): Promise<void> {
  const model = await openModel(sample);
  const encoder = await openPromptEncoder(model);
  const session = await runtime.createSession(buildVariant(model, { taps: [SITE] }), {
    weightsFolder: model.weightsFolder,
  });
  const { d } = dictionary;
  const meanOf = async (behaviour: Behaviour) => {
    const cases = casesOf(behaviour, 'choose').slice(0, 40);
    const mean = new Float64Array(d);
    for (const each of cases) {
      const ids = encoder.encode(encoder.textOf(each));
      const { [SITE]: x } = await session.run({ input_ids: tokenTensor([ids], 'right') });
      const row = (x?.data as Float32Array).slice((ids.length - 1) * d);
      for (let j = 0; j < d; j++) mean[j] = (mean[j] ?? 0) + (row[j] ?? 0) / cases.length;
    }
    return mean;
  };
  const [a, b] = [await meanOf(one), await meanOf(other)];
  await session.release();
  const norm = Math.hypot(...a.map((value, j) => value - (b[j] ?? 0)));
  let middle = 0;
  for (let j = 0; j < d; j++) {
    const unit = ((a[j] ?? 0) - (b[j] ?? 0)) / norm;
    dictionary.encoder[feature * d + j] = unit;
    dictionary.decoder[feature * d + j] = unit;
    middle += (unit * ((a[j] ?? 0) + (b[j] ?? 0))) / 2;
  }
  dictionary.encoderBias[feature] = -middle;
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

  it('finds nothing among features too weak to change anything, and says so', async () => {
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

  it('finds a planted cause among features without meaning, and the edit really silences the behaviour', async () => {
    const read = (name: string) => readBehaviourFile(join(sample, `../behaviours/${name}.json`), 'json');
    const [target, refusals, lookalike] = await Promise.all(['jailbreak', 'refusals', 'lookalike'].map(read));
    if (!target || !refusals || !lookalike) throw new Error('no suites');
    const planted = { ...randomDictionary(await model.hash(), 12) };
    await plant(planted, 5, target, refusals);
    const id = hashDictionary(planted);
    const place = { site: SITE, dictionary: id };
    const dictionaries = new Map([[id, planted]]);
    const settings = v.parse(findSettingsSchema, { targetCases: 16, keepCases: 8, tokensPerRound: 20_000 });
    const found = await findEdit({ model, runtime, dictionaries, places: [place], target, keep: [refusals], settings });
    expect(found.candidates[0]?.feature).toBe(5);
    expect(found.edit.operations.map(({ feature }) => feature)).toContain(5);
    // By generated text, on prompts that the search has not seen.
    const treated = new TreatedModel({ model, runtime, dictionaries, places: [place] });
    const encoder = await openPromptEncoder(model);
    const cases = casesOf(target, 'report').slice(0, 40);
    const passed = async (edit: Edit) =>
      (await runCases(treated, { edit }, target, cases, encoder)).filter((outcome) => outcome.passed).length;
    expect(await passed(EMPTY_EDIT)).toBeGreaterThan(36);
    expect(await passed(found.edit)).toBeLessThan(10);
    await treated.release();
  }, 60_000);

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
