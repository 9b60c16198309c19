// An evaluation report as CSV: one figure a row, with its interval and sample size, for spreadsheets and statistics programs.
import type { BeforeAfter, EvaluationReport, Trial } from '../../contract/domain/evaluationReport.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { csvRecord } from '../files/textRows.ts';

const COLUMNS = ['part', 'name', 'figure', 'treatment', 'value', 'low', 'high', 'n'];

export function reportCsv(report: EvaluationReport): string {
  const rows: string[][] = [];
  const add = (part: string, name: string, figure: string, treatment: string, estimate: Estimate | null) => {
    if (estimate === null) return;
    const { value, low, high, n } = estimate;
    rows.push([part, name, figure, treatment, ...[value, low, high, n].map(String)]);
  };
  const addPair = (part: string, name: string, figure: string, pair: BeforeAfter | null) => {
    for (const what of ['before', 'after', 'difference'] as const) add(part, name, figure, what, pair?.[what] ?? null);
  };
  const addTrial = (
    part: string,
    name: string,
    { suites, target, targetRefuses, targetSound, kept, crossEntropy, kl }: Trial,
  ) => {
    for (const suite of suites) add(part, suite.name, 'rate', name, suite.rate);
    add(part, 'target', 'rate', name, target);
    add(part, 'target', 'refuses', name, targetRefuses);
    add(part, 'target', 'soundWhereGone', name, targetSound ?? null);
    add(part, 'kept', 'rate', name, kept);
    add(part, 'heldOut', 'crossEntropyIncrease', name, crossEntropy);
    add(part, 'heldOut', 'kl', name, kl);
  };
  for (const { name, rate, heldOut, score, refuses, loops, sound, kl } of report.suites) {
    addPair('behaviour', name, 'rate', rate);
    addPair('behaviour', name, 'rateHeldOutWordings', heldOut);
    addPair('behaviour', name, 'score', score);
    addPair('behaviour', name, 'refuses', refuses);
    addPair('behaviour', name, 'loops', loops);
    addPair('behaviour', name, 'sound', sound?.share ?? null);
    add('behaviour', name, 'soundWhereGone', 'after', sound?.replaced ?? null);
    add('behaviour', name, 'kl', 'after', kl?.perToken ?? null);
    add('behaviour', name, 'klFirstToken', 'after', kl?.firstToken ?? null);
  }
  if (report.text) {
    addPair('collateral', 'heldOut', 'crossEntropy', report.text.crossEntropy);
    add('collateral', 'heldOut', 'crossEntropyIncrease', 'after', report.text.crossEntropy.relative);
    add('collateral', 'heldOut', 'kl', 'after', report.text.kl);
    add('collateral', 'heldOut', 'agreement', 'after', report.text.agreement);
  }
  if (report.continuations) {
    const { perToken, firstToken, same, loops, distinct1, distinct2 } = report.continuations;
    add('collateral', 'continuations', 'kl', 'after', perToken);
    add('collateral', 'continuations', 'klFirstToken', 'after', firstToken);
    add('collateral', 'continuations', 'same', 'after', same);
    addPair('collateral', 'continuations', 'loops', loops);
    addPair('collateral', 'continuations', 'distinct1', distinct1);
    addPair('collateral', 'continuations', 'distinct2', distinct2);
  }
  for (const [index, baseline] of report.baselines.entries())
    addTrial('baseline', `${baseline.kind}.${index}`, baseline);
  for (const dose of report.doses) addTrial('dose', String(dose.strength), dose);
  for (const { name, estimate } of report.verdict?.criteria ?? []) add('verdict', name, 'criterion', 'after', estimate);
  return [COLUMNS, ...rows].map(csvRecord).join('');
}
