import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import type { Behaviour } from '../../contract/domain/behaviour.ts';
import { parseBehaviour } from '../behaviours/behaviour.ts';
import { openPromptEncoder, type PromptEncoder } from '../behaviours/prompts.ts';
import { IntervenableModel } from '../interventions/intervenableModel.ts';
import { openModel } from '../models/model.ts';
import { asAsked, isJudgedByText, shownCases } from './shownCase.ts';
import { sampleModel } from '../../testing/finder/plantedDictionary.ts';

const PROMPT = 'User: What is the capital of France?\nAssistant:';
const behaviourOf = (...checks: unknown[]): Behaviour =>
  parseBehaviour({
    name: 'capitals',
    aim: 'lower',
    maxNewTokens: 12,
    cases: [{ prompt: PROMPT, raw: true, split: 'choose', checks }],
  });

describe('cases as texts to score', () => {
  let intervenable: IntervenableModel;
  let encoder: PromptEncoder;
  beforeAll(async () => {
    const model = await openModel(sampleModel);
    intervenable = new IntervenableModel({
      model,
      runtime: createCpuRuntime(),
      dictionaries: new Map(),
      places: [],
    });
    encoder = await openPromptEncoder(model);
  });
  afterAll(() => intervenable.release());

  const partsOf = async (behaviour: Behaviour, scored: 'all' | 'asked') => {
    const [all] = await shownCases(intervenable, encoder, behaviour, behaviour.cases);
    if (!all) throw new Error('the model does not show it');
    const shown = scored === 'all' ? all : asAsked(all);
    const { ids, promptLength, scoredFrom = promptLength } = shown.said;
    const textOf = (first: number, end?: number) =>
      encoder.decodeContinuation(ids.slice(0, first), ids.slice(first, end));
    return { lead: textOf(promptLength, scoredFrom), scored: textOf(scoredFrom) };
  };

  it('can be scored only where the checks ask for something, given what leads up to it', async () => {
    const paris = behaviourOf({ kind: 'contains', text: 'Paris' });
    expect(await partsOf(paris, 'asked')).toEqual({ lead: ' The capital of France is', scored: ' Paris' });
    expect(await partsOf(paris, 'all')).toEqual({ lead: '', scored: ' The capital of France is Paris' });
    // Two checks: from the first of the two on.
    const both = behaviourOf({ kind: 'contains', text: 'Paris' }, { kind: 'regex', pattern: 'of France' });
    expect(await partsOf(both, 'asked')).toEqual({ lead: ' The capital', scored: ' of France is Paris' });
  });

  it('are scored whole where silence would pass, or where they begin with what is asked for', async () => {
    const whole = await partsOf(behaviourOf({ kind: 'refuses', expected: false }), 'asked');
    expect(whole.lead).toBe('');
    expect(whole.scored).toContain('The capital of France is Paris.');
    const begins = await partsOf(behaviourOf({ kind: 'regex', pattern: '^ ?The capital' }), 'asked');
    expect(begins).toEqual({ lead: '', scored: ' The capital' });
  });

  it('are null where the model does not show it', async () => {
    const london = behaviourOf({ kind: 'contains', text: 'London' });
    expect(await shownCases(intervenable, encoder, london, london.cases)).toEqual([null]);
  });

  it('are judged by what is said only if that can fail', () => {
    const isJudged = (...checks: unknown[]) => behaviourOf(...checks).cases.every(isJudgedByText);
    expect(isJudged({ kind: 'contains', text: 'Paris' })).toBe(true);
    expect(isJudged({ kind: 'refuses', expected: false })).toBe(true);
    expect(isJudged({ kind: 'regex', pattern: '[^]*' })).toBe(false); // whatever it says
    expect(isJudged({ kind: 'logitDifference', continuation: ' a', against: ' b', bound: 'atLeast', value: 0 })).toBe(
      false,
    );
  });
});
