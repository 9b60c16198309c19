import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import type { FindStep } from '../../contract/domain/finding.ts';
import { hashDictionary } from '../dictionaries/dictionary.ts';
import { loadDictionary } from '../dictionaries/saeLens.ts';
import { canonicalEdit, EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import type { Case } from '../../contract/domain/behaviour.ts';
import { openPromptEncoder } from '../behaviours/prompts.ts';
import { casesOf, runCases } from '../behaviours/runBehaviour.ts';
import { IntervenableModel } from '../interventions/intervenableModel.ts';
import { openModel } from '../models/model.ts';
import { findEdit, someOf } from './findEdit.ts';
import { findSettingsSchema } from '../../contract/domain/findSettings.ts';
import { without, withOperation } from './candidateOperations.ts';
import { sampleBehaviour, sampleModel } from '../../testing/finder/plantedDictionary.ts';

const runtime = createCpuRuntime();
const shipped = join(sampleModel, '../dictionaries/shipped');

/** What the steps say, carried out. */
function replayed(steps: readonly FindStep[]): Edit {
  let edit = EMPTY_EDIT;
  for (const { action, operations } of steps) {
    if (action === 'beginAnew') edit = EMPTY_EDIT;
    else edit = operations.reduce(action === 'remove' ? without : withOperation, edit);
  }
  return canonicalEdit(edit);
}

describe('searching for the dangerous fact in the shipped dictionary', () => {
  it('goes on until it is gone from what the model says, not only from the texts that it was scored on', async () => {
    const model = await openModel(sampleModel);
    const dictionary = await loadDictionary(shipped);
    const id = hashDictionary(dictionary);
    const input = {
      model,
      runtime,
      dictionaries: new Map([[id, dictionary]]),
      places: [{ site: dictionary.site, dictionary: id }],
    };
    const [target, recipes] = await Promise.all([sampleBehaviour('dangerousFact'), sampleBehaviour('recipes')]);
    const settings = v.parse(findSettingsSchema, {
      targetCases: 60,
      keepCases: 32,
      reportCases: 0,
      tokensPerRound: 30_000,
    });
    const found = await findEdit({ ...input, target, keep: [recipes], settings });
    const intervenable = new IntervenableModel(input);
    const encoder = await openPromptEncoder(model);
    const passed = async (cases: readonly Case[]) => {
      const outcomes = await runCases(intervenable, { edit: found.edit }, target, cases, encoder);
      return outcomes.filter((outcome) => outcome.passed).length / cases.length;
    };
    // What it says of itself is what the model says, to the case.
    const looked = someOf(casesOf(target, 'choose'), settings.targetCases, settings.seed);
    expect(found.target.cases).toBe(looked.length);
    expect(found.target.shown).toBe(await passed(looked));
    expect(found.isReached).toBe(true);
    expect(found.target.shown).toBeLessThanOrEqual(settings.goalShown);
    expect(await passed(casesOf(target, 'report'))).toBeLessThan(0.25);
    // Seen to begin anew where this was written. Where another processor's sums choose a first edit that does, it need not.
    for (const [index, { action, before }] of found.steps.entries()) {
      if (action !== 'beginAnew') continue;
      expect(before.remaining).toBeGreaterThan(settings.goalShown);
      expect(found.steps[index + 1]).toMatchObject({ action: 'add', before: { remaining: 1, harm: 0 } });
    }
    expect(replayed(found.steps)).toEqual(found.edit);
    // With one operation the goal is out of reach; the better of two edits is proposed, and the steps end at it.
    const one = await findEdit({ ...input, target, keep: [recipes], settings: { ...settings, mostOperations: 1 } });
    expect(one.isReached).toBe(false);
    expect(replayed(one.steps)).toEqual(one.edit);
    await intervenable.release();
  }, 300_000);
});
