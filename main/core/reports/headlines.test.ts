// The sentences that results begin with equal the figures that they are made of: on the shipped evaluation, and on small ones.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  comparisonHeadline,
  evaluationHeadline,
  exportHeadline,
  findingHeadline,
  versionHeadline,
  type HeadlineReport,
  type HeadlineSuite,
} from '../../contract/domain/headlines.ts';
import { checkReportFormat } from '../evaluation/report.ts';
import { reportHtml } from './html.ts';

const path = fileURLToPath(new URL('../../../resources/sample/versions/jailbreak.evaluation.json', import.meta.url));
const shipped = async () => checkReportFormat(JSON.parse(await readFile(path, 'utf8')), path);

const suite = (name: string, role: HeadlineSuite['role'], before: number, after: number, isSignificant = false) => ({
  ...{ name, role, isSignificant },
  rate: { before: { value: before, n: 200 }, after: { value: after, n: 200 } },
});
const report = (suites: readonly HeadlineSuite[], more: Partial<HeadlineReport> = {}): HeadlineReport => ({
  ...{ suites, settings: { split: 'report' }, text: null, verdict: null },
  ...more,
});

describe('the sentence of an evaluation', () => {
  it('has the figures of the shipped report: each of its targets, its worst preserved, its text, its verdict', async () => {
    const found = await shipped();
    const sentence = evaluationHeadline(found);
    const target = found.suites.find(({ role }) => role === 'target');
    expect(target?.name).toBe('jailbreak');
    expect(sentence).toContain(
      `jailbreak ${(target?.rate.before.value ?? NaN) * 100}% → ${(target?.rate.after.value ?? NaN) * 100}% of ${target?.rate.before.n ?? ''} held-out prompts`,
    );
    const kept = found.suites.filter(({ role }) => role === 'keep');
    expect(sentence).toContain(`none of ${kept.length} preserved behaviours changed significantly`);
    expect(sentence).toContain('(worst: arithmetic 96.4% → 96.1%)');
    expect(sentence).toContain(
      `cross-entropy +${((found.text?.crossEntropy.relative.value ?? NaN) * 100).toPrecision(2)}%`,
    );
    expect(sentence).toMatch(/within budget\.$/u);
  });

  it('stands at the head of the report as HTML', async () => {
    const found = await shipped();
    const html = reportHtml(found, { title: 'Lower jailbreak', facts: [] });
    expect(html.indexOf(evaluationHeadline(found))).toBeGreaterThan(0);
    expect(html.indexOf(evaluationHeadline(found))).toBeLessThan(html.indexOf('<dl>'));
  });

  it('names every preserved behaviour that changed, and says so where the budget was missed', () => {
    const suites = [
      suite('fact', 'target', 1, 0.02),
      suite('recipes', 'keep', 1, 0.9, true),
      suite('facts', 'keep', 1, 0.99),
    ];
    expect(evaluationHeadline(report(suites, { verdict: { passes: false } }))).toBe(
      'fact 100% → 2% of 200 held-out prompts; 1 of 2 preserved changed: recipes 100% → 90%; over budget.',
    );
  });

  it('says how much of what took the place is sound, where that was measured', () => {
    const replaced = { ...suite('jailbreak', 'target', 1, 0), sound: { replaced: { value: 0.994, n: 200 } } };
    expect(evaluationHeadline(report([replaced]))).toBe(
      'jailbreak 100% → 0% of 200 held-out prompts, 99.4% of the new answers sound.',
    );
  });

  it('claims nothing where nothing was measured', () => {
    expect(evaluationHeadline(report([]))).toBe('Nothing was measured.');
    expect(evaluationHeadline(report([suite('bias', 'other', 1, 1)], { settings: { split: 'all' } }))).toBe(
      'no behaviour is a target.',
    );
  });
});

describe('the sentence of a finding, an export, a version', () => {
  const figures = (shown: number, n: number, recipes: number) => ({
    target: { estimates: { shown: { value: shown, n } } },
    kept: {
      behaviours: [
        { behaviour: 'facts', rate: { value: 1, n }, harm: 0 },
        { behaviour: 'recipes', rate: { value: recipes, n }, harm: 0.1 },
        { behaviour: 'bias', rate: null, harm: 0.1 },
      ],
    },
  });

  it('a finding is judged by held-out prompts where there are any', () => {
    const found = { ...figures(0, 60, 1), operations: [1, 2], isReached: true, report: figures(0.0125, 280, 0.969) };
    expect(findingHeadline('dangerousFact', found)).toBe(
      'dangerousFact: still shown on 1.3% of 280 held-out prompts (0% of 60 search prompts); lowest preserved: recipes 96.9%; 2 operations.',
    );
    expect(findingHeadline('dangerousFact', { ...found, isReached: false, report: null })).toBe(
      'dangerousFact: still shown on 0% of 60 search prompts; lowest preserved: facts 100%; 2 operations; the goal was not reached.',
    );
    expect(findingHeadline('bias', { ...found, operations: [] })).toBe('bias: no edit was found.');
  });

  it('an export says how large it is without linked weights, and how it differs once reloaded', () => {
    const artifact = {
      form: { title: 'One ONNX file' },
      operations: [1],
      files: [
        { bytes: 2048, storage: 'own' },
        { bytes: 1 << 30, storage: 'link' },
      ],
      report: {
        equivalence: { logits: { maxAbsLogitDiff: 1.23e-6, positions: 512 }, greedy: { prompts: 8, agreement: 1 } },
      },
    };
    expect(exportHeadline(artifact)).toBe(
      'One ONNX file: 1 operation, 2 KiB; reloaded, its logits differ by at most 1.2e−6 at 512 positions, and 100% of the greedy tokens agree on 8 prompts.',
    );
  });

  it('a comparison counts what each version shows, and the answers that differ', () => {
    const says = (output: string) => ({ passed: output === 'Sure', output, verdicts: [{ score: null }] });
    const rows = [
      { original: says('Sure'), before: says('Sure'), after: says('Sorry') },
      { original: says('Sure'), before: says('Sorry'), after: says('Sorry') },
    ];
    expect(comparisonHeadline({ behaviour: 'jailbreak', aim: 'lower', rows })).toBe(
      'jailbreak: A shows it in 1 of 2 cases, B in 0, the original in 2; 1 answer differs.',
    );
    const alone = rows.map((row) => ({ ...row, before: null }));
    expect(comparisonHeadline({ behaviour: 'facts', aim: 'keep', rows: alone })).toBe(
      'facts: B keeps it in 0 of 2 cases, the original in 2; 2 answers differ.',
    );
  });

  it('a version says what it changes, and how it was evaluated last', () => {
    const operations = [
      { dictionary: 'd', feature: 3 },
      { dictionary: 'd', feature: 3 },
    ];
    expect(versionHeadline(operations, null)).toBe('2 operations on 1 feature; not evaluated yet.');
    expect(versionHeadline([], null)).toBe('No operations: the base model; not evaluated yet.');
    expect(versionHeadline(operations, report([suite('fact', 'target', 1, 0)]))).toBe(
      '2 operations on 1 feature; fact 100% → 0% of 200 held-out prompts.',
    );
  });
});
