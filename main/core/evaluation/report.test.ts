import { describe, expect, it } from 'vitest';
import { checkReportFormat } from './report.ts';

const REPORT_FORMAT = 'errata.evaluation.1';

describe('a report from a file', () => {
  it('of this format is taken as it is', () => {
    const report = { format: REPORT_FORMAT, warnings: [] };
    expect(checkReportFormat(report, 'a.json')).toBe(report);
  });

  it.each([null, undefined, 'errata.evaluation.1', 3, [], {}, { format: null }, { format: 'errata.evaluation.2' }])(
    'that is %j is refused by its name and the format that is read',
    (value) => {
      expect(() => checkReportFormat(value, 'a.json')).toThrow(
        expect.objectContaining({
          code: 'unsupported',
          message: `a.json: it is not an evaluation of the format ${REPORT_FORMAT}.`,
        }) as Error,
      );
    },
  );
});
