import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type EvaluationReport, REPORT_FORMAT } from '../../contract/domain/evaluationReport.ts';
import { ratePair } from '../evaluation/collateral.ts';
import { DEFAULT_EVALUATION_SETTINGS } from '../../contract/domain/evaluationSettings.ts';
import { reportPdf } from './pdf.ts';
import { DEFAULT_BUDGET } from '../../contract/domain/budgetSettings.ts';
import { judge } from '../evaluation/verdict.ts';

const evil = '<script>\u0000\u0007\ud800 日本語 ≤ “x” \t()\\';

function report(cases: number): EvaluationReport {
  const marks = (every: number) => Array.from({ length: cases }, (_, index) => index % every !== 0);
  const suites: EvaluationReport['suites'] = [
    {
      ...{ name: 'jailbreak', behaviour: 'x', aim: 'lower', role: 'target' },
      rate: ratePair(marks(1000), marks(2)),
      isSignificant: true,
      ...{ heldOut: null, score: null, refuses: null, loops: null, kl: null },
      changed: Array.from({ length: 12 }, () => ({
        ...{ prompt: evil.repeat(40), before: evil, after: '', passedBefore: true },
      })),
      ...{ brokenCases: 12, mendedCases: 0 },
    },
  ];
  return {
    format: REPORT_FORMAT,
    ...{ model: 'a'.repeat(64), edit: { id: 'b'.repeat(64), operations: [] }, settings: DEFAULT_EVALUATION_SETTINGS },
    suites,
    ...{ text: null, continuations: null, blastRadius: [], shifts: [], baselines: [], doses: [] },
    verdict: judge({ suites, text: null, continuations: null }, DEFAULT_BUDGET),
    warnings: [evil],
  };
}

const context = { title: evil, facts: [[evil, evil]] as const, labelOf: () => evil };
const created = new Date('2026-11-25T12:00:00.000Z');

describe('the report as PDF', () => {
  it('is whole, has pages, and is the same bytes for the same report', async () => {
    const pdf = await reportPdf(report(40), context, created);
    expect(pdf.subarray(0, 5).toString('latin1')).toBe('%PDF-');
    expect(pdf.toString('latin1').trimEnd().endsWith('%%EOF')).toBe(true);
    expect(pageCount(pdf)).toBeGreaterThan(1);
    expect(pdf.equals(await reportPdf(report(40), context, created))).toBe(true);
  });

  it('holds no script and no address, whatever the cases hold', async () => {
    const text = (await reportPdf(report(40), context, created)).toString('latin1');
    expect(text).not.toMatch(/\/(?:JavaScript|JS|URI|Launch|EmbeddedFile)\b/u);
  });

  it('draws its figures: the streams hold the dots and whiskers', async () => {
    const pdf = (await reportPdf(report(40), context, created)).toString('latin1');
    const streams = [...pdf.matchAll(/stream\n([\s\S]*?)\nendstream/gu)].flatMap(([, data = '']) => {
      try {
        return [inflateSync(Buffer.from(data, 'latin1')).toString('latin1')];
      } catch {
        return []; // a font
      }
    });
    expect(streams.some((stream) => / c\n/u.test(stream) && /BT/u.test(stream))).toBe(true);
  });
});

function pageCount(pdf: Buffer): number {
  return [...pdf.toString('latin1').matchAll(/\/Type \/Page\b/gu)].length;
}
