// What of a suite is judged and what its directions are measured on: which cases, and against which answers.
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { caseSchema, type Behaviour, type Case } from '../../contract/domain/behaviour.ts';
import type { GeneratedAnswer } from './answerSoundness.ts';
import { judgeSuite } from './judgeSuite.ts';
import { directionCases } from './suiteDirections.ts';

const caseOf = (index: number, split: 'choose' | 'report' = 'report'): Case =>
  v.parse(caseSchema, { prompt: `prompt ${index}`, checks: [{ kind: 'contains', text: 'Sure' }], split });
/** Told apart by their one token. */
const outcomes = (count: number, from: number) =>
  Array.from({ length: count }, (_, index): GeneratedAnswer => ({
    promptIds: [1],
    ids: [from + index],
    end: 'stop',
    stopId: 0,
  }));

describe('judging a suite', () => {
  const judgedIn = async (role: 'target' | 'keep', count: number) => {
    const asked: { answers: number[]; base: number[] }[] = [];
    const judged = await judgeSuite(
      {
        reference: 0.9,
        judge: (answers, base) => {
          const idsOf = (some: readonly { readonly ids: readonly number[] }[]) => some.flatMap(({ ids }) => ids);
          asked.push({ answers: idsOf(answers), base: idsOf(base) });
          return Promise.resolve(answers.map(() => ['unlikely']));
        },
      },
      {
        role,
        cases: Array.from({ length: count }, (_, index) => caseOf(index)),
        before: outcomes(count, 0),
        after: outcomes(count, 1000),
      },
      undefined,
    );
    return { asked, judged };
  };

  it('looks at every answer to a target, and compares each with the base model’s answer to its own prompt', async () => {
    const { asked, judged } = await judgedIn('target', 100);
    const [first, second] = asked;
    expect(first?.answers).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(first?.base).toEqual(first?.answers);
    expect(second?.answers).toEqual(first?.answers.map((id) => id + 1000));
    expect(second?.base).toEqual(first?.base);
    expect(judged.after.every((faults) => faults?.[0] === 'unlikely')).toBe(true);
    expect(judged.reference).toBe(0.9);
  });

  it('looks at sixty answers to another suite, spread over it, and says nothing of the rest', async () => {
    const { asked, judged } = await judgedIn('keep', 120);
    expect(asked[1]?.answers).toEqual(Array.from({ length: 60 }, (_, index) => 1000 + 2 * index));
    expect(asked[1]?.base).toEqual(Array.from({ length: 60 }, (_, index) => 2 * index));
    expect(judged.after.map((faults) => faults !== null)).toEqual(Array.from({ length: 120 }, (_, i) => i % 2 === 0));
  });
});

describe('the cases that directions are measured on', () => {
  const behaviour = (cases: readonly Case[]): Behaviour => ({
    format: 'errata.behaviour.1',
    name: 'jailbreak',
    description: '',
    aim: 'lower',
    maxNewTokens: 8,
    cases: [...cases],
  });

  it('are those for choosing, though others are reported', () => {
    const [chosen, reported] = [caseOf(0, 'choose'), caseOf(1, 'report')];
    expect(directionCases({ behaviour: behaviour([chosen, reported]), cases: [reported] })).toEqual([chosen]);
  });

  it('are those of the suite where none is for choosing', () => {
    const reported = caseOf(1, 'report');
    expect(directionCases({ behaviour: behaviour([reported]), cases: [reported] })).toEqual([reported]);
  });
});
