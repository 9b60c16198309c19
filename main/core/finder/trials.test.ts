import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashDictionary } from '../dictionaries/dictionary.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { openModel } from '../models/model.ts';
import { CausalScorer } from './causalScorer.ts';
import { findSettingsSchema } from '../../contract/domain/findSettings.ts';
import { affordableOfAll } from './growEdit.ts';
import type { ShownCase } from './shownCase.ts';
import { randomDictionary, sampleModel, SITE } from '../../testing/finder/plantedDictionary.ts';
import { Trials } from './trials.ts';

const HARM_WEIGHT = 2;

describe('giving up edits that cannot be the cheapest', () => {
  let scorer: CausalScorer;
  let trials: Trials;
  let edits: Edit[];
  const shown = (behaviour: string, ids: readonly number[]): ShownCase => ({
    behaviour,
    prompt: '',
    promptIds: ids.slice(0, 2),
    said: { ids, promptLength: 2 },
    against: [],
  });

  beforeAll(async () => {
    const model = await openModel(sampleModel);
    const dictionary = randomDictionary(await model.hash(), 24);
    const place = { site: SITE, dictionary: hashDictionary(dictionary) };
    scorer = await CausalScorer.open({
      model,
      runtime: createCpuRuntime(),
      dictionaries: new Map([[place.dictionary, dictionary]]),
      places: [place],
    });
    const keep = ['a', 'b', 'c'].flatMap((behaviour, which) =>
      Array.from({ length: 7 + which }, (_, index) => shown(behaviour, [0, 40 + index, 60 + which, 90 + 3 * index])),
    );
    const settings = v.parse(findSettingsSchema, { harmWeight: HARM_WEIGHT });
    trials = await Trials.open(scorer, { target: [shown('t', [0, 5, 6])], keep }, { settings });
    edits = Array.from({ length: 24 }, (_, feature) => ({
      operations: [
        { ...place, feature, kind: 'clampActive', value: -4, scope: { positions: 'notBos' as const }, gates: [] },
      ],
    }));
  });
  afterAll(() => scorer.release());

  it('finds the same cheapest edit, at the same cost, as measuring everything', async () => {
    const harms = await trials.harmsOf(edits);
    // What is left of the behaviour, made up so that no order is favoured.
    const tried = edits.map((edit, index) => ({ edit, index, remaining: ((index * 7) % 24) / 24 }));
    const costs = tried.map(({ remaining }, index) => remaining + HARM_WEIGHT * (harms[index] ?? NaN));
    const best = costs.indexOf(Math.min(...costs));
    const before = trials.count;
    const [cheapest] = await trials.rate(tried, Infinity);
    expect(cheapest).toMatchObject({ index: best, isWhole: true });
    expect(cheapest?.harm).toBeCloseTo(harms[best] ?? NaN, 6);
    expect(cheapest?.cost).toBeCloseTo(costs[best] ?? NaN, 6);
    // Some were given up early.
    expect(trials.count - before).toBeLessThan(edits.length * trials.keep.cases.length);
    const limit = (costs[best] ?? NaN) - 1e-3;
    for (const { cost } of await trials.rate(tried, limit)) expect(cost).toBeGreaterThanOrEqual(limit);
  });

  it('counts what is said instead for a share of what must go, from as likely as it is with the edit', async () => {
    const [edit, other] = edits;
    if (!edit || !other) throw new Error('no edits');
    const own = await Trials.open(
      scorer,
      { target: Array.from({ length: 40 }, (_, index) => shown('t', [0, 5, 6 + index])), keep: [] },
      { settings: v.parse(findSettingsSchema, { harmWeight: HARM_WEIGHT }) },
    );
    const relapse = shown('t', [0, 9, 30]);
    await own.alsoRemove([relapse], edit);
    expect(own.target.cases).toEqual([...own.shown.cases, relapse]);
    // 15% of 40 texts, though there is one.
    expect(own.target.weights?.at(-1)).toBeCloseTo(6, 12);
    const [alone] = await scorer.score([{ edit, shown: relapse }]);
    expect(own.target.before.at(-1)?.score).toBeCloseTo(alone?.score ?? NaN, 5);
    // By hand, from the scores of each case.
    const after = await own.scores(own.target, other);
    const left = after.map(({ score }, index) => {
      const fall = Math.max(score - (own.target.before[index]?.score ?? NaN), -4);
      return Math.min(1.25, 1 + fall / 4);
    });
    const expected = (left.slice(0, 40).reduce((sum, each) => sum + each, 0) + 6 * (left[40] ?? NaN)) / 46;
    expect((await own.remainingShare(own.target, [other], ''))[0]).toBeCloseTo(expected, 9);
  });

  it('a step that earns nothing on all cases is none, however cheap it looked on some', async () => {
    const harms = await trials.harmsOf(edits.slice(0, 4));
    const left = await trials.remainingShare(trials.target, edits.slice(0, 4), '');
    const costs = harms.map((harm, index) => (left[index] ?? NaN) + HARM_WEIGHT * harm);
    const finalists = edits.slice(0, 4).map((edit, index) => ({ edit, remaining: 0, harm: harms[index] ?? NaN }));
    const least = Math.min(...costs);
    const affordable = await affordableOfAll(finalists, Infinity, trials);
    expect(affordable.map(({ cost }) => cost)).toEqual(costs.toSorted((a, b) => a - b));
    expect((await affordableOfAll(finalists, least + 1e-6, trials))[0]?.each).toBe(finalists[costs.indexOf(least)]);
    expect(await affordableOfAll(finalists, least - 1e-6, trials)).toEqual([]);
  });

  it('weighs harm half as much when asked to', () => {
    const effect = { remaining: 0.25, harm: 0.125 };
    expect(trials.costOf(effect)).toBeCloseTo(0.25 + HARM_WEIGHT * 0.125, 12);
    trials.halveHarmWeight();
    expect(trials.costOf(effect)).toBeCloseTo(0.25 + HARM_WEIGHT * 0.0625, 12);
  });
});
