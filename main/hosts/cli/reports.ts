// Reports of evaluations on the terminal and as files.
import type { EvaluationReport } from '../../contract/domain/evaluationReport.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { evaluationHeadline } from '../../contract/domain/headlines.ts';
import { verdictSentence } from '../../contract/domain/verdictWords.ts';
import { actedText } from '../../contract/domain/acted.ts';
import { rivals } from '../../contract/domain/rivals.ts';
import { replacements } from '../../contract/domain/soundness.ts';
import { percent } from '../../contract/base/figures.ts';
import { intervalText, number } from '../../core/reports/text.ts';
import { writeFileAtomic } from '../../core/files/atomicWrite.ts';
import type { StoredEvaluation } from '../../storage/entities/evaluations.ts';
import { reportFile, type ReportFileFormat } from '../../workbench/reportFiles.ts';
import type { Workbench } from '../../workbench/workbench.ts';
import type { CommandArguments, CommandContext, Option } from './command.ts';
import { optionalText } from './values.ts';

export const REPORT_OPTIONS: Readonly<Record<string, Option>> = {
  html: { type: 'string', description: 'Write the report as one HTML file.' },
  pdf: { type: 'string', description: 'Write the report as PDF.' },
  csv: { type: 'string', description: 'Write the figures as CSV.' },
};

/** Files that were asked for, by their formats. */
export async function writeReports(
  workbench: Workbench,
  stored: StoredEvaluation,
  arguments_: CommandArguments,
  context: CommandContext,
): Promise<Partial<Record<ReportFileFormat, string>>> {
  const written: Partial<Record<ReportFileFormat, string>> = {};
  for (const format of ['html', 'pdf', 'csv'] as const) {
    const path = optionalText(arguments_, format);
    if (path === undefined) continue;
    await writeFileAtomic(path, await reportFile(workbench, stored, format));
    written[format] = path;
    context.print(`Report: ${path}`);
  }
  return written;
}

/** @returns the sentence that it begins with. */
export function printReport(report: EvaluationReport, context: CommandContext): string {
  const { suites, text, continuations, baselines, forecasts = [], verdict, warnings } = report;
  const headline = evaluationHeadline(report);
  context.print(headline);
  for (const { name, role, rate, isSignificant, score, acted } of suites) {
    const scores = score === null ? '' : `, mean score ${number(score.before.value)} → ${number(score.after.value)}`;
    const change = `${isSignificant ? '' : ', no significant change'}${acted ? `, ${actedText(acted, 'cases read')}` : ''}`;
    context.print(
      `${role.padEnd(6)}  ${name.padEnd(18)} ${percentOf(rate.before)} → ${percentOf(rate.after)} of ${rate.before.n}${scores}${change}`,
    );
  }
  if (text) {
    const { before, after, relative } = text.crossEntropy;
    context.print(
      `cross-entropy ${number(before.value)} → ${number(after.value)} nats per token (${percentOf(relative)}), KL ${number(text.kl.value)} on ${text.contexts} contexts${text.acted ? `; the edit ${actedText(text.acted)}` : ''}`,
    );
  }
  if (continuations)
    context.print(`KL along the original's continuations: ${number(continuations.perToken.value)} per token`);
  for (const { text: replaced } of replacements(suites)) context.print(replaced);
  for (const { kind, target, targetRefuses, targetSound, kept, failure } of baselines) {
    context.print(
      `  ${kind.padEnd(28)} ${failure ?? `target ${target ? percentOf(target) : '-'}${targetRefuses ? ` (refuses ${percent(targetRefuses.value)})` : ''}${targetSound ? `, sound ${percentOf(targetSound)}` : ''}, kept ${kept ? percentOf(kept) : '-'}`}`,
    );
  }
  for (const sentence of rivals(baselines)) context.print(sentence);
  for (const { site, correlations, found } of forecasts) {
    const { forecast } = correlations;
    context.print(
      `forecast at ${site}: rank correlation ${forecast ? intervalText(forecast) : 'undefined'}, named ${found.hits} of the ${found.of} that changed most (${number(found.byChance)} by chance)`,
    );
  }
  for (const warning of warnings) context.print(`Note: ${warning}`);
  if (verdict === null) return headline;
  for (const { name, isMet, isCertain } of verdict.criteria) {
    if (!isMet || !isCertain) context.print(`  ${isMet ? 'met, but not for the whole interval' : 'NOT MET'}: ${name}`);
  }
  context.print(verdictSentence(verdict));
  return headline;
}

export function percentOf(estimate: Estimate): string {
  return intervalText(estimate, percent);
}
