// On a tiny model: which texts an edit's shift is measured on, and between which prompts directions lie.
import { join } from 'node:path';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { caseSchema } from '../../contract/domain/behaviour.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { openPromptEncoder, type PromptEncoder } from '../behaviours/prompts.ts';
import { placesOf } from '../edits/editPatches.ts';
import type { Model } from '../models/model.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { Random } from '../numerics/random.ts';
import { prepare } from '../../testing/activations/tinyCapture.ts';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { measureDirections } from './directions.ts';
import { suiteDirections } from './suiteDirections.ts';
import type { Suite } from './suites.ts';

const SITE = 'blocks.0.hook_resid_post';
const hash = 'd'.repeat(64);
const runtime = createCpuRuntime({ threads: 1 });
const dictionary = randomDictionary(new Random(2), 'relu', { d: 16, size: 24, site: SITE });
const dictionaries = new Map([[hash, dictionary]]);
const clampTo = (value: number): Edit => ({
  operations: [
    { site: SITE, dictionary: hash, feature: 3, scope: { positions: 'all' }, gates: [], kind: 'clamp', value },
  ],
});
const edit = clampTo(4);

let model: Model;
let encoder: PromptEncoder;
beforeAll(async () => {
  model = await prepare(join(await temporaryFolder(), 'tiny'));
  encoder = await openPromptEncoder(model);
});

const suite = (role: Suite['role'], ...prompts: string[]): Suite => {
  const cases = prompts.map((prompt) =>
    v.parse(caseSchema, { prompt, raw: true, checks: [{ kind: 'contains', text: 'a' }] }),
  );
  const facts = { format: 'errata.behaviour.1', description: '', aim: 'lower', maxNewTokens: 8 } as const;
  return { role, cases, trial: [], behaviour: { ...facts, name: role, cases } };
};
const [target, keep] = [suite('target', 'abc'), suite('keep', 'wxyz')];

describe('directions', () => {
  it('need one target and one prompt to preserve, no more', async () => {
    const parts = { model, runtime, dictionaries, edit };
    expect(await suiteDirections(parts, [target, suite('keep')], encoder)).toBeNull();
    expect(await suiteDirections(parts, [suite('target'), keep], encoder)).toBeNull();
    expect(await suiteDirections(parts, [target, suite('other', 'pqr')], encoder)).toBeNull();
    expect(await suiteDirections(parts, [target, keep], encoder)).not.toBeNull();
  });

  it('are measured on the texts of the target, and lie from what is preserved to it', async () => {
    const idsOf = ({ cases }: Suite) => cases.map((each) => encoder.promptOf(each).ids);
    const [targets, kept] = [idsOf(target), idsOf(keep)];
    const texts = targets.map((ids) => ({ ids, promptLength: ids.length }));
    const parts = { model, runtime, dictionaries, edit };
    const measured = await measureDirections({ ...parts, places: placesOf(edit), texts, groups: [targets, kept] });
    expect(await suiteDirections(parts, [target, keep], encoder)).toEqual(measured);
    const difference = measured.differences.get(SITE);
    const reversed = await measureDirections({ ...parts, places: placesOf(edit), texts, groups: [kept, targets] });
    expect(difference?.map((value) => -value)).toEqual(reversed.differences.get(SITE));
  });

  it('have for mean norm the mean length of what the edit adds, the same for one text as for one twice', async () => {
    const parts = { model, runtime, dictionaries, edit, places: placesOf(edit) };
    const ids = encoder.promptOf(target.cases[0]!).ids;
    const text = { ids, promptLength: ids.length };
    const of = async (texts: readonly (typeof text)[]) =>
      (await measureDirections({ ...parts, texts, groups: [[ids], [ids]] })).shifts[0];
    const [once, twice] = [await of([text]), await of([text, text])];
    expect(once?.share).toBe(1); // it clamps at every position
    expect(twice?.meanNorm).toBeCloseTo(once?.meanNorm ?? NaN, 5);
    const row = dictionary.decoder.subarray(3 * 16, 4 * 16);
    const length = Math.hypot(...row);
    // All shifts are along one row, so the length of their mean is the mean of their lengths where none points back.
    expect(Math.hypot(...(once?.meanShift ?? []))).toBeLessThanOrEqual((once?.meanNorm ?? NaN) + 1e-5);
    expect(once?.meanNorm).toBeLessThanOrEqual(4 * length + 1e-4);
  });

  it('of an edit that moves activations beyond numbers are refused with its site', async () => {
    const long = { ...dictionary, decoder: dictionary.decoder.map((value) => 100 * value) };
    const parts = { model, runtime, dictionaries: new Map([[hash, long]]), edit: clampTo(3e38) };
    const measured = suiteDirections(parts, [target, keep], encoder);
    await expect(measured).rejects.toMatchObject({ code: 'diverged' });
    await expect(measured).rejects.toThrow(`The edit moves ${SITE} by a number that is not finite.`);
  });
});
