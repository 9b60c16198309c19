// The curves of a training run: curves.jsonl in its folder, one line per recorded step. Lines are appended as training goes on,
// and those later than the checkpoint are dropped when a run continues from it.
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { toFileError } from '../files/fileError.ts';
import type { StepReport } from './trainingStep.ts';

const CURVES_FILE = 'curves.jsonl';

export interface CurvePoint extends StepReport {
  readonly step: number;
  readonly learningRate: number;
  readonly seconds: number;
}

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

/** @returns the recorded points of a run, up to the last whole line. */
export async function readCurves(folder: string): Promise<CurvePoint[]> {
  let text: string;
  try {
    text = await readFile(join(folder, CURVES_FILE), 'utf8');
  } catch (thrown) {
    const error = toFileError(thrown, join(folder, CURVES_FILE));
    if (error.code === 'not-found') return [];
    throw error;
  }
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CurvePoint);
}

/** Points later than the checkpoint will be recorded again. */
export async function truncateCurves(folder: string, step: number): Promise<void> {
  const points = await readCurves(folder);
  const kept = points.filter((point) => point.step <= step);
  if (kept.length === points.length) return;
  await writeFileAtomic(join(folder, CURVES_FILE), kept.map((point) => `${JSON.stringify(point)}\n`).join(''));
}
