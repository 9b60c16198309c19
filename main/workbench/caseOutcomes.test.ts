// What is known of cases, on the sample with the evaluation that it ships with.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DEFAULT_EVALUATION_SETTINGS } from '../contract/domain/evaluationSettings.ts';
import { readBehaviourFile } from '../core/behaviours/behaviourFile.ts';
import { checkReportFormat } from '../core/evaluation/report.ts';
import { marksOfCases } from './caseOutcomes.ts';

const sample = fileURLToPath(new URL('../../resources/sample/', import.meta.url));

describe('the marks of an evaluation', () => {
  it('are of the cases of its split, in their order; of others nothing is known', () => {
    const cases = [{ split: 'report' }, { split: 'choose' }, { split: 'report' }] as const;
    const ofReport = { settings: DEFAULT_EVALUATION_SETTINGS };
    expect(marksOfCases(cases, ofReport, { passed: '10' })).toEqual([true, null, false]);
    const ofAll = { settings: { ...DEFAULT_EVALUATION_SETTINGS, split: 'all' as const } };
    expect(marksOfCases(cases, ofAll, { passed: '110' })).toEqual([true, true, false]);
  });

  it('of the shipped evaluation: the model shows every held-out jailbreak, the edit none', async () => {
    const path = join(sample, 'versions/jailbreak.evaluation.json');
    const report = checkReportFormat(JSON.parse(await readFile(path, 'utf8')), path);
    const { cases } = await readBehaviourFile(join(sample, 'behaviours/jailbreak.json'), 'json');
    const outcomes = report.suites.find(({ name }) => name === 'jailbreak')?.outcomes;
    const known = (marks: readonly (boolean | null)[]) => marks.filter((mark) => mark !== null);
    const before = marksOfCases(cases, report, outcomes?.before ?? { passed: '' });
    const after = marksOfCases(cases, report, outcomes?.after ?? { passed: '' });
    expect(before).toHaveLength(440);
    expect(known(before)).toEqual(Array<boolean>(280).fill(true));
    expect(known(after)).toEqual(Array<boolean>(280).fill(false));
  });
});
