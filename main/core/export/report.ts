// equivalence.json of an artifact: what its verification found at the time of the export. Read back, it may come from a stranger.
import { join } from 'node:path';
import * as v from 'valibot';
import { validate } from '../../contract/base/validate.ts';
import { readJsonObject } from '../files/json.ts';
import type { EditEffect, Equivalence } from './equivalence.ts';
import type { PythonCheck } from './pythonCheck.ts';

export const EQUIVALENCE_FILE = 'equivalence.json';
export const REPORT_FORMAT = 'errata.equivalence.1';

/** The Python file's formula in double precision against the workbench. */
export interface FormulaCheck {
  readonly positions: number;
  /** Of them, where a feature is so close to a threshold that rounding decides: not compared. */
  readonly undecided: number;
  readonly maxAbsDiff: number;
  readonly tolerance: number;
}

export interface Report {
  readonly equivalence: Equivalence;
  readonly effect: EditEffect;
  /** What was asked for against what the artifact does; null where they are the same. */
  readonly deviation: EditEffect | null;
  readonly formula: FormulaCheck | null;
  readonly python: PythonCheck | null;
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

const number = v.number();
const text = v.pipe(v.string(), v.maxLength(10_000));
const difference = v.object({
  positions: number,
  maxAbsLogitDiff: number,
  meanKl: number,
  maxKl: number,
  top1Agreement: number,
  logitStd: number,
});
const effect = v.object({ logits: difference, greedyAgreement: number });
const texts = v.pipe(v.array(text), v.maxLength(100));

const reportSchema = v.object({
  format: v.literal(REPORT_FORMAT, `expected the format ${REPORT_FORMAT}`),
  equivalence: v.object({
    comparedWith: v.picklist(['exported', 'recorded']),
    device: v.picklist(['cpu', 'webgpu', 'cuda', 'dml', 'coreml']),
    logits: difference,
    greedy: v.object({ prompts: number, newTokens: number, agreement: number, ties: number, divergences: number }),
    tolerance: v.object({ maxAbsLogitDiff: number, meanKl: number }),
  }),
  effect,
  // Missing in reports of the first exports.
  deviation: v.optional(v.nullable(effect), null),
  formula: v.optional(
    v.nullable(v.object({ positions: number, undecided: number, maxAbsDiff: number, tolerance: number })),
    null,
  ),
  python: v.optional(
    v.nullable(
      v.variant('state', [
        v.object({ state: v.literal('notChecked'), reason: text }),
        v.object({
          state: v.literal('checked'),
          positions: number,
          maxAbsLogitDiff: number,
          meanKl: number,
          greedyTexts: number,
          greedyTextsEqual: number,
          versions: v.record(text, text),
        }),
      ]),
    ),
    null,
  ),
  warnings: texts,
  notes: v.optional(texts, []),
});

/** @throws AppError `not-found`, `invalid-file`. */
export async function readReport(folder: string): Promise<Report> {
  const path = join(folder, EQUIVALENCE_FILE);
  const { format: _format, ...report } = validate(reportSchema, await readJsonObject(path), path, 'invalid-file');
  return report;
}
