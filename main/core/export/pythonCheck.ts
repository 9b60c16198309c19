// check.py of an artifact, run where Python is: the one check that loads the artifact as a person will. It is never required, and
// what could not be checked is said.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import type { PythonCheck, Tolerance } from '../../contract/domain/equivalence.ts';
import { AppError } from '../../contract/base/errors.ts';

export const CHECK_FILE = 'check.py';

const SOURCE = readFileSync(new URL('./check.py', import.meta.url), 'utf8');
const CHECK_MODEL = /^from check_model import .*$/mu;

/** check.py of an artifact, in one file. @param checkModel how its form is loaded: Python that defines `Model` and `VERSIONS`. */
export function checkPython(checkModel: string): string {
  return SOURCE.replace(CHECK_MODEL, () => checkModel.trim());
}

const LONGEST_MS = 20 * 60_000;
const MOST_OUTPUT = 1 << 20;

const outputSchema = v.object({
  positions: v.number(),
  max_abs_logit_diff: v.number(),
  mean_kl: v.number(),
  greedy_texts: v.number(),
  greedy_texts_equal: v.number(),
  versions: v.record(v.string(), v.string()),
});

/**
 * @param python a program: ours come from the settings of the machine (ERRATA_PYTHON, python3), never from a page.
 * @throws AppError `verification-failed` when Python computes something else, `cancelled`.
 */
export async function checkWithPython(
  folder: string,
  python: string,
  { tolerance, signal }: { readonly tolerance: Tolerance; readonly signal?: AbortSignal },
): Promise<PythonCheck> {
  const { code, output, errors } = await runPython(python, folder, signal);
  if (signal?.aborted) throw new AppError('cancelled', 'The export was cancelled.');
  if (code !== 0) {
    const last = errors.trim().split('\n').at(-1) ?? '';
    const reason = code === null ? `${python} did not run: ${last}` : `${python} ended with an error: ${last}`;
    return { state: 'notChecked', reason: reason.slice(0, 500) };
  }
  const parsed = v.safeParse(outputSchema, parseLast(output));
  if (!parsed.success) return { state: 'notChecked', reason: `${python} gave no report.` };
  const { max_abs_logit_diff: maxAbsLogitDiff, mean_kl: meanKl, positions, versions } = parsed.output;
  if (!(maxAbsLogitDiff <= tolerance.maxAbsLogitDiff && meanKl <= tolerance.meanKl)) {
    throw new AppError(
      'verification-failed',
      `Loaded by Python, the artifact does not do what the workbench showed: its logits differ by up to ${maxAbsLogitDiff} ` +
        `(tolerated are ${tolerance.maxAbsLogitDiff}), mean KL ${meanKl} nats.`,
      { details: { maxAbsLogitDiff, kl: meanKl, tolerance: tolerance.maxAbsLogitDiff } },
    );
  }
  const { greedy_texts: greedyTexts, greedy_texts_equal: greedyTextsEqual } = parsed.output;
  return { state: 'checked', positions, maxAbsLogitDiff, meanKl, greedyTexts, greedyTextsEqual, versions };
}

function parseLast(output: string): unknown {
  try {
    return JSON.parse(output.trim().split('\n').at(-1) ?? '');
  } catch {
    return null;
  }
}

async function runPython(
  python: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve) => {
    let [output, errors] = ['', ''];
    // -B: no __pycache__ in the artifact. Offline: nothing is fetched from the Hub.
    const child = spawn(python, ['-B', CHECK_FILE], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_OFFLINE: '1', PYTHONDONTWRITEBYTECODE: '1' },
      timeout: LONGEST_MS,
      killSignal: 'SIGKILL',
      ...(signal ? { signal } : {}),
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-MOST_OUTPUT)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-MOST_OUTPUT)));
    child.on('error', (error) => resolve({ code: null, output, errors: `${errors}\n${error.message}` }));
    child.on('close', (code) => resolve({ code, output, errors }));
  });
}
