// Reports of evaluations, read from a file or the database.
import { AppError } from '../../contract/base/errors.ts';
import { REPORT_FORMAT, type EvaluationReport } from '../../contract/domain/evaluationReport.ts';

/** A report from a file or the database, of this program or a newer one. @throws AppError `unsupported`. */
export function checkReportFormat(value: unknown, subject: string): EvaluationReport {
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  // Reports are written by this program only, so beyond the format nothing is checked.
  if (format === REPORT_FORMAT) return value as EvaluationReport;
  throw new AppError('unsupported', `${subject}: it is not an evaluation of the format ${REPORT_FORMAT}.`);
}
