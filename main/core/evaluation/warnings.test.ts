// Each warning alone: it is there exactly where its reason is.
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { caseSchema } from '../../contract/domain/behaviour.ts';
import { completeEvaluationSettings } from '../../contract/domain/evaluationSettings.ts';
import type { Suite } from './suites.ts';
import { warningsOf, type WarningFacts } from './warnings.ts';

const suite = (count: number, role: Suite['role'] = 'target', system = ''): Suite => {
  const cases = Array.from({ length: count }, (_, index) =>
    v.parse(caseSchema, { prompt: `prompt ${index}`, system, checks: [{ kind: 'contains', text: 'Sure' }] }),
  );
  const facts = { format: 'errata.behaviour.1', description: '', aim: 'lower', maxNewTokens: 8 } as const;
  return { role, cases, trial: [], behaviour: { ...facts, name: 'jailbreak', cases } };
};
const instructed = completeEvaluationSettings({ instruction: 'Refuse.' });
/** Nothing to warn of. */
const CALM: WarningFacts = {
  suites: [suite(100)],
  settings: instructed,
  contexts: 100,
  contextLength: 64,
  neverActs: false,
  foldsSystemText: false,
};

describe('a warning', () => {
  it('is not given where there is no reason', () => {
    expect(warningsOf(CALM)).toEqual([]);
  });

  it.each([
    ['few cases', { suites: [suite(99)] }, /^jailbreak: 99 cases are few/u],
    ['no text', { contexts: 1 }, /^Without held-out text/u],
    ['little text', { contexts: 2 }, /^2 contexts of held-out text are few/u],
    ['little text, up to a hundred contexts', { contexts: 99 }, /^99 contexts of held-out text are few/u],
    ['no target', { suites: [suite(100, 'keep')] }, /^No behaviour is a target/u],
    ['no instruction', { settings: { ...instructed, instruction: '' } }, /^No instruction was given/u],
    ['an instruction that is folded', { foldsSystemText: true }, /template takes no system text/u],
    ['an edit that never acts', { neverActs: true }, /^The edit never acts on the target's prompts/u],
    ['a model of short contexts', { contextLength: 63 }, /^The model sees less than 64 tokens/u],
  ] as const)('of %s is the only one where that is the only reason', (_, facts, message) => {
    const warnings = warningsOf({ ...CALM, ...facts });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(message);
  });

  it('of the instruction is given only where baselines are asked for', () => {
    expect(warningsOf({ ...CALM, settings: { ...instructed, instruction: '', baselines: false } })).toEqual([]);
  });

  it('of folded system texts is given where one of many cases has one', () => {
    const settings = { ...instructed, instruction: '', baselines: false };
    const [plain, kind] = [suite(100), suite(1, 'keep', 'Be kind.')];
    const suites = [plain, { ...kind, cases: [...plain.cases, ...kind.cases] }];
    expect(warningsOf({ ...CALM, settings, foldsSystemText: true, suites })).toHaveLength(1);
  });

  it('of folded system texts is given only where there is one', () => {
    const settings = { ...instructed, instruction: '', baselines: false };
    expect(warningsOf({ ...CALM, settings, foldsSystemText: true })).toEqual([]);
    expect(
      warningsOf({ ...CALM, settings, foldsSystemText: true, suites: [suite(100, 'target', 'Be kind.')] }),
    ).toEqual([expect.stringMatching(/template takes no system text/u)]);
  });
});
