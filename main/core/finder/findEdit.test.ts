import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { hashDictionary, type Dictionary } from '../dictionaries/dictionary.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import type { Behaviour } from '../../contract/domain/behaviour.ts';
import { parseBehaviour } from '../behaviours/behaviour.ts';
import { openPromptEncoder } from '../behaviours/prompts.ts';
import { casesOf, runCases } from '../behaviours/runBehaviour.ts';
import { IntervenableModel } from '../interventions/intervenableModel.ts';
import { openModel, type Model } from '../models/model.ts';
import { findEdit, type FindEvent, type FindInput } from './findEdit.ts';
import { findSettingsSchema } from '../../contract/domain/findSettings.ts';
import { behavioursOfLists, promptListsSchema } from './promptLists.ts';
import { plant, randomDictionary, sampleBehaviour, sampleModel, SITE } from '../../testing/finder/plantedDictionary.ts';

const runtime = createCpuRuntime();
const small = v.parse(findSettingsSchema, {
  targetCases: 16,
  keepCases: 8,
  reportCases: 16,
  tokensPerRound: 20_000,
});

const COUNTRIES = ['France', 'Spain', 'Italy', 'Norway'];
const capitals: Behaviour = parseBehaviour({
  name: 'capitals',
  aim: 'lower',
  maxNewTokens: 6,
  cases: COUNTRIES.map((name) => ({
    prompt: `User: What is the capital of ${name}?\nAssistant:`,
    raw: true,
    split: 'choose',
    checks: [{ kind: 'contains', text: 'The capital of' }],
  })),
});

describe('finding an edit', () => {
  let model: Model;
  let [jailbreak, refusals]: Behaviour[] = [];
  beforeAll(async () => {
    model = await openModel(sampleModel);
    [jailbreak, refusals] = await Promise.all([sampleBehaviour('jailbreak'), sampleBehaviour('refusals')]);
  });

  const inputWith = (dictionary: Dictionary): Omit<FindInput, 'target' | 'keep'> => {
    const id = hashDictionary(dictionary);
    return {
      model,
      runtime,
      dictionaries: new Map([[id, dictionary]]),
      places: [{ site: SITE, dictionary: id }],
      settings: small,
    };
  };
  const suites = () => {
    if (!jailbreak || !refusals) throw new Error('no suites');
    return { jailbreak, refusals };
  };
  /** Feature 5 fires along the difference of jailbroken and refused prompts; eleven others mean nothing. */
  const planted = async () => {
    const dictionary = randomDictionary(await model.hash(), 12);
    await plant(runtime, dictionary, 5, suites().jailbreak, suites().refusals);
    return dictionary;
  };

  it('finds nothing among features too weak to change anything, and says so', async () => {
    const tiny = randomDictionary(await model.hash(), 24);
    tiny.decoder.forEach((_, index) => (tiny.decoder[index] = (tiny.decoder[index] ?? 0) / 100));
    const found = await findEdit({ ...inputWith(tiny), target: capitals, keep: [] });
    expect(found.edit.operations).toEqual([]);
    expect(found).toMatchObject({ isReached: false, steps: [], report: null });
  });

  it.each([
    [256, 1],
    [1024, 2],
  ])('finds nothing in a dictionary of %i random directions', async (size, seed) => {
    const dictionary = randomDictionary(await model.hash(), size, seed);
    const { jailbreak: target, refusals: kept } = suites();
    const found = await findEdit({ ...inputWith(dictionary), target, keep: [kept] });
    expect(found.candidates.length).toBeGreaterThan(100); // correlated they are
    expect(found).toMatchObject({ isReached: false, edit: { operations: [] }, steps: [], report: null });
  });

  it('ranks a planted cause first, tells its steps, and the edit really silences the behaviour', async () => {
    const dictionary = await planted();
    const events: FindEvent[] = [];
    const { jailbreak: target, refusals: kept } = suites();
    const input = inputWith(dictionary);
    const onEvent = (event: FindEvent) => void events.push(event);
    const found = await findEdit({ ...input, target, keep: [kept], onEvent });
    expect(found.candidates[0]?.feature).toBe(5);
    expect(found.edit.operations.map(({ feature }) => feature)).toContain(5);
    expect(events.map(({ kind }) => kind).slice(0, 4)).toEqual(['read', 'read', 'ranking', 'step']);
    expect(events.flatMap((event) => (event.kind === 'step' ? [event.step] : []))).toEqual(found.steps);
    const [first] = found.steps;
    expect(first).toMatchObject({ action: 'add', operations: [{ feature: 5 }], before: { remaining: 1, harm: 0 } });
    expect(first?.remaining).toBeLessThan(0.9);
    expect(found.report?.target.shown).toBeLessThan(0.3);
    // Figures agree with their intervals, and the curve, by another graph, with the figures.
    const { shown, remaining, estimates } = found.report?.target ?? found.target;
    expect([estimates.shown.value, estimates.remaining.value]).toEqual([shown, remaining]);
    expect(estimates.shown.low).toBeLessThanOrEqual(shown);
    expect(estimates.remaining.high).toBeGreaterThanOrEqual(remaining);
    const at = (strength: number) => found.doses.find((dose) => dose.strength === strength);
    expect(at(0)).toMatchObject({ remaining: { value: 1 }, harm: 0 });
    expect(at(1)?.remaining.value).toBeCloseTo(remaining, 3); // float32 in two graphs, as many cases as the report's
    expect(at(1)?.harm).toBeCloseTo(found.report?.kept.harm ?? NaN, 3);
    expect(at(0.5)?.remaining.value).toBeGreaterThan(remaining);
    // By generated text, on prompts that the search has not seen.
    const intervenable = new IntervenableModel({ ...input });
    const encoder = await openPromptEncoder(model);
    const cases = casesOf(target, 'report').slice(0, 40);
    const passed = async (edit: Edit) =>
      (await runCases(intervenable, { edit }, target, cases, encoder)).filter((outcome) => outcome.passed).length;
    expect(await passed(EMPTY_EDIT)).toBeGreaterThan(36);
    expect(await passed(found.edit)).toBeLessThan(10);
    await intervenable.release();
  }, 300_000);

  it('finds it from prompts without checks too', async () => {
    const promptsOf = ({ cases }: Behaviour) => cases.slice(0, 24).map(({ prompt }) => prompt);
    const { jailbreak: target, refusals: kept } = suites();
    const lists = v.parse(promptListsSchema, {
      with: promptsOf(target),
      without: promptsOf(kept),
      maxNewTokens: 8,
    });
    const found = await findEdit({ ...inputWith(await planted()), ...behavioursOfLists(lists) });
    expect(found.candidates[0]?.feature).toBe(5);
    expect(found.edit.operations.map(({ feature }) => feature)).toContain(5);
    // Half of the prompts chose, the other half reports.
    expect(found.target.cases).toBe(12);
    expect(found.report?.target.cases).toBe(12);
    expect(found.report?.target.remaining).toBeLessThan(0.5);
  }, 300_000);

  it('refuses a target that is to be kept too, and lists too short to be halved', async () => {
    const input = inputWith(randomDictionary(await model.hash(), 4));
    await expect(findEdit({ ...input, target: capitals, keep: [capitals] })).rejects.toMatchObject({ code: 'usage' });
    await expect(findEdit({ ...input, target: { ...capitals, aim: 'keep' }, keep: [] })).rejects.toMatchObject({
      code: 'usage',
    });
    expect(v.safeParse(promptListsSchema, { with: ['a', 'b'], without: ['c', 'd', 'e', 'f'] }).success).toBe(false);
  });
});
