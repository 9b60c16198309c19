// The curves of a training run: curves.jsonl in its folder, one line per recorded step. Lines are appended as training goes on,
// and those later than the checkpoint are dropped when a run continues from it.
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { validate } from '../../contract/base/validate.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { toFileError } from '../files/fileError.ts';
import { parseJson } from '../files/json.ts';
import { readOptionalText } from '../files/text.ts';
import type { StepReport } from './trainingStep.ts';

const CURVES_FILE = 'curves.jsonl';

export interface CurvePoint extends StepReport {
  readonly step: number;
  readonly learningRate: number;
  readonly seconds: number;
}

/** JSON has null where a figure was not a number. */
const figure = v.nullable(v.number());
const pointSchema = v.object({
  step: v.pipe(v.number(), v.safeInteger()),
  learningRate: figure,
  seconds: figure,
  loss: figure,
  fvu: figure,
  l0: figure,
  deadFraction: figure,
});

/** @throws AppError `disk-full`, `permission`. */
export async function appendCurves(folder: string, points: readonly CurvePoint[]): Promise<void> {
  if (points.length === 0) return;
  const path = join(folder, CURVES_FILE);
  try {
    await appendFile(path, points.map((point) => `${JSON.stringify(point)}\n`).join(''));
  } catch (thrown) {
    throw toFileError(thrown, path);
  }
}

/**
 * @returns the recorded points of a run, up to the last whole line; those that hold what is not a number are left out.
 * @throws AppError `invalid-file` that names the line.
 */
export async function readCurves(folder: string): Promise<CurvePoint[]> {
  const path = join(folder, CURVES_FILE);
  const text = (await readOptionalText(path)) ?? '';
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.flatMap((line, index) => {
    if (line === '') return [];
    const subject = `${path}: line ${index + 1}`;
    const point = validate(pointSchema, parseJson(line, path, index + 1), subject, 'invalid-file');
    return isWhole(point) ? [point] : [];
  });
}

function isWhole(point: v.InferOutput<typeof pointSchema>): point is CurvePoint {
  return Object.values(point).every((value) => value !== null);
}

/** Points later than the checkpoint will be recorded again. */
export async function truncateCurves(folder: string, step: number): Promise<void> {
  const points = await readCurves(folder);
  const kept = points.filter((point) => point.step <= step);
  if (kept.length === points.length) return;
  await writeFileAtomic(join(folder, CURVES_FILE), kept.map((point) => `${JSON.stringify(point)}\n`).join(''));
}
