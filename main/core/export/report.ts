// equivalence.json of an artifact: what its verification found at the time of the export. Read back, it may come from a stranger.
import { join } from 'node:path';
import * as v from 'valibot';
import { validate } from '../../contract/base/validate.ts';
import {
  EQUIVALENCE_FORMAT,
  equivalenceReportSchema,
  type EquivalenceReport,
} from '../../contract/domain/equivalence.ts';
import { readJsonObject } from '../files/json.ts';

export const EQUIVALENCE_FILE = 'equivalence.json';

const fileSchema = v.object({
  format: v.literal(EQUIVALENCE_FORMAT, `expected the format ${EQUIVALENCE_FORMAT}`),
  ...equivalenceReportSchema.entries,
});

/** @throws AppError `not-found`, `invalid-file`. */
export async function readReport(folder: string): Promise<EquivalenceReport> {
  const path = join(folder, EQUIVALENCE_FILE);
  const { format: _format, ...report } = validate(fileSchema, await readJsonObject(path), path, 'invalid-file');
  return report;
}
