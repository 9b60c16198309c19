// Among edits that remove as much, the sounder one: on the sample model with the shipped dictionary.
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FindStep } from '../../contract/domain/finding.ts';
import { findSettingsSchema } from '../../contract/domain/findSettings.ts';
import { casesOf } from '../behaviours/runBehaviour.ts';
import { hashDictionary } from '../dictionaries/dictionary.ts';
import { loadDictionary } from '../dictionaries/saeLens.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { openPromptEncoder } from '../behaviours/prompts.ts';
import { IntervenableModel } from '../interventions/intervenableModel.ts';
import { openModel } from '../models/model.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { sampleBehaviour, sampleModel } from '../../testing/finder/plantedDictionary.ts';
import { CausalScorer } from './causalScorer.ts';
import { RemainingCases } from './remainingCases.ts';
import { shownCases } from './shownCase.ts';
import { soundenEdit } from './soundenEdit.ts';
import { Trials } from './trials.ts';

const runtime = createCpuRuntime();
const CASES = 24;

describe('an edit that reaches its goal', () => {
  let remainingCases: RemainingCases;
  let scorer: CausalScorer;
  let trials: Trials;
  let id: string;
  beforeAll(async () => {
    const model = await openModel(sampleModel);
    const dictionary = await loadDictionary(join(sampleModel, '../dictionaries/shipped'));
    id = hashDictionary(dictionary);
    const input = {
      model,
      runtime,
      dictionaries: new Map([[id, dictionary]]),
      places: [{ site: dictionary.site, dictionary: id }],
    };
    const [fact, recipes] = await Promise.all([sampleBehaviour('dangerousFact'), sampleBehaviour('recipes')]);
    const encoder = await openPromptEncoder(model);
    const plain = new IntervenableModel({ ...input, places: [] });
    const [target, keep] = [casesOf(fact, 'choose').slice(0, CASES), casesOf(recipes, 'choose').slice(0, CASES)];
    const shownOf = async (behaviour: typeof fact, cases: typeof target) =>
      (await shownCases(plain, encoder, behaviour, cases)).flatMap((each) => each ?? []);
    scorer = await CausalScorer.open(input);
    const settings = v.parse(findSettingsSchema, {});
    trials = await Trials.open(
      scorer,
      { target: await shownOf(fact, target), keep: await shownOf(recipes, keep) },
      { settings },
    );
    remainingCases = await RemainingCases.open(input, fact, target, [recipes], {});
    await plain.release();
  });
  afterAll(async () => {
    await remainingCases.release();
    await scorer.release();
  });

  const clamps = (factor: number): Edit => ({
    operations: [
      [705, -15],
      [2070, -6.3],
    ].map(([feature = 0, value = 0]) => ({
      site: 'blocks.1.hook_resid_post',
      dictionary: id,
      feature,
      gates: [],
      scope: { positions: 'notBos' as const },
      kind: 'clampActive' as const,
      value: value * factor,
    })),
  });

  it('gets the numbers with which more of the answers are sound, at no more harm, and a step says so', async () => {
    const steps: FindStep[] = [];
    // Any edit reaches it, and what counts is the share of sound answers.
    const reaches = async (edit: Edit) => remainingCases.soundShare(edit);
    const found = clamps(1);
    const sounder = await soundenEdit(found, { trials, reaches, onStep: (step) => steps.push(step) });
    const [before, after] = [await remainingCases.soundShare(found), await remainingCases.soundShare(sounder)];
    expect(before).toBeLessThan(0.9);
    expect(after).toBeGreaterThanOrEqual((before ?? 1) + 0.05);
    const [harmBefore = 0, harmAfter = 0] = await trials.harmsOf([found, sounder]);
    expect(harmAfter).toBeLessThanOrEqual(harmBefore + 0.005);
    expect(steps[0]).toMatchObject({ action: 'alter', sound: { passedOver: before } });
    expect(steps.at(-1)?.sound?.share).toBe(after);
    expect(steps.flatMap(({ operations }) => operations).length).toBeGreaterThan(0);
  });

  it('stays as it is where no other reaches the goal, and where its answers are sound', async () => {
    const steps: FindStep[] = [];
    const found = clamps(1);
    const only = (edit: Edit) => Promise.resolve(edit === found ? 0.1 : null);
    expect(await soundenEdit(found, { trials, reaches: only, onStep: (step) => steps.push(step) })).toBe(found);
    const sound = () => Promise.resolve(0.96);
    expect(await soundenEdit(found, { trials, reaches: sound, onStep: (step) => steps.push(step) })).toBe(found);
    expect(steps).toEqual([]);
  });

  it('is told apart by what is said where the behaviour is gone', async () => {
    const { shown, sound } = await remainingCases.with(clamps(1));
    expect(sound?.of).toBe(CASES - shown.length);
    expect(sound?.count).toBeLessThanOrEqual(sound?.of ?? 0);
    const unedited = await remainingCases.with({ operations: [] });
    expect(unedited.sound).toEqual({ count: 0, of: CASES - unedited.shown.length });
  });
});
