// A stored evaluation as a file: HTML, PDF and CSV for people, JSON for programs.
import { shortId } from '../core/edits/version.ts';
import { reportCsv } from '../core/reports/csv.ts';
import { reportHtml, type ReportContext } from '../core/reports/html.ts';
import { reportPdf } from '../core/reports/pdf.ts';
import type { StoredEvaluation } from '../storage/entities/evaluations.ts';
import type { Workbench } from './workbench.ts';

export const REPORT_FILE_FORMATS = ['html', 'pdf', 'csv', 'json'] as const;
export type ReportFileFormat = (typeof REPORT_FILE_FORMATS)[number];

export const REPORT_FILE_TYPES: Readonly<Record<ReportFileFormat, string>> = {
  html: 'text/html; charset=utf-8',
  pdf: 'application/pdf',
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
};

export async function reportFile(
  workbench: Pick<Workbench, 'project'>,
  stored: StoredEvaluation,
  format: ReportFileFormat,
): Promise<string | Buffer> {
  const { report, ...summary } = stored;
  switch (format) {
    case 'html':
      return reportHtml(report, contextOf(workbench, stored));
    case 'pdf':
      return reportPdf(report, contextOf(workbench, stored), new Date(stored.time));
    case 'csv':
      return reportCsv(report);
    case 'json':
      return `${JSON.stringify({ ...summary, report }, null, 2)}\n`;
  }
}

/** What stands at the head of a report for people. */
function contextOf(
  { project }: Pick<Workbench, 'project'>,
  { id, version, edit, author, time }: StoredEvaluation,
): ReportContext {
  return {
    title: `Evaluation of ${version === null ? `the edit ${shortId(edit)}` : `version ${shortId(version)}`}`,
    facts: [
      ['Version', version === null ? 'not committed' : `${version}: ${project.versions.get(version).message}`],
      ['Evaluated by', author],
      ['At', time],
      ['Evaluation', id],
    ],
    labelOf: (dictionary, feature) => project.labels.get({ dictionary, feature })?.text || undefined,
  };
}
