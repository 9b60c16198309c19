import { describe, expect, it } from 'vitest';
import { type EvaluationReport, REPORT_FORMAT, type SuiteReport } from '../../contract/domain/evaluationReport.ts';
import { compareReports } from './compareReports.ts';
import { ratePair } from './collateral.ts';
import { meanDifference, rateDifference, ratioEstimate, relativeDifference } from './intervals.ts';
import { DEFAULT_EVALUATION_SETTINGS } from '../../contract/domain/evaluationSettings.ts';

const bits = (text: string) => Array.from(text, (mark) => mark === '1');

function suite(name: string, behaviour: string, after: string, scores: readonly number[] | null = null): SuiteReport {
  const before = '1'.repeat(after.length);
  return {
    ...{ name, behaviour, aim: 'lower', role: 'target' },
    rate: ratePair(bits(before), bits(after)),
    isSignificant: false,
    ...{ heldOut: null, score: null, refuses: null, loops: null, kl: null },
    ...{ changed: [], brokenCases: 0, mendedCases: 0 },
    outcomes: { before: { passed: before, scores }, after: { passed: after, scores } },
  };
}

function report(
  suites: readonly SuiteReport[],
  text: { hash: string; after: readonly number[] } | null,
): EvaluationReport {
  const estimate = ratioEstimate([1, 2, 3], [1, 1, 1], 0);
  const pair = { before: estimate, after: estimate, difference: estimate };
  return {
    format: REPORT_FORMAT,
    ...{ model: 'a'.repeat(64), edit: { id: 'b'.repeat(64), operations: [] }, settings: DEFAULT_EVALUATION_SETTINGS },
    suites,
    text: text && {
      crossEntropy: { ...pair, relative: estimate },
      ...{ kl: estimate, agreement: estimate, tokens: 30, contexts: 3 },
      perContext: { text: text.hash, before: text.after, after: text.after },
    },
    ...{ continuations: null, blastRadius: [], shifts: [], baselines: [], doses: [], verdict: null, warnings: [] },
  };
}

describe('two evaluations side by side', () => {
  const [first, second] = ['1111011110111101', '1101000110011101'];

  it('are paired case by case and context by context where these are the same', () => {
    const scores = Array.from(first, (_, index) => index / 7);
    const shifted = scores.map((score, index) => score + (index % 3));
    const compared = compareReports(
      report([suite('jailbreak', 'x', first, scores)], { hash: 't', after: [3, 4, 5] }),
      report([suite('jailbreak', 'x', second, shifted)], { hash: 't', after: [3, 5, 7] }),
    );
    const [one] = compared.suites;
    expect(one?.difference).toEqual(rateDifference(bits(first), bits(second)));
    expect(one?.score?.difference).toEqual(meanDifference(scores, shifted, 0));
    expect([one?.lost, one?.won]).toEqual([4, 0]);
    expect(compared.text.relative).toEqual(relativeDifference([3, 4, 5], [3, 5, 7], 0));
    expect(compared.notes).toEqual([]);
  });

  it('are not subtracted where a suite was changed, the text is another or a suite is missing, and it is said', () => {
    const compared = compareReports(
      report([suite('jailbreak', 'x', first), suite('bias', 'b', first)], { hash: 't', after: [3, 4, 5] }),
      report([suite('jailbreak', 'y', second)], { hash: 'u', after: [3, 4, 5] }),
    );
    expect(compared.suites.map(({ difference }) => difference)).toEqual([null, null]);
    expect(compared.suites[1]).toMatchObject({ name: 'bias', roles: ['target', null], other: null });
    expect(compared.text.relative).toBeNull();
    expect(compared.notes.join(' ')).toMatch(/jailbreak has been changed.*different held-out text/u);
  });

  it('of an older program, which kept no cases, are shown without differences', () => {
    const { outcomes: _, ...old } = suite('jailbreak', 'x', first);
    const compared = compareReports(report([old], null), report([suite('jailbreak', 'x', second)], null));
    expect(compared.suites[0]).toMatchObject({ difference: null, isSignificant: false });
  });
});
