// The formula of errata_edit.py checked in double precision: from the exported files, against what the workbench computes.
import type { FormulaCheck } from '../../../../contract/domain/equivalence.ts';
import { AppError } from '../../../../contract/base/errors.ts';
import { InteractiveEdit, placesOf } from '../../../edits/editPatches.ts';
import { tokenTensor } from '../../../models/tokenBatch.ts';
import { buildVariant } from '../../../models/variant.ts';
import { withSession } from '../../artifactModel.ts';
import { promptLengthOf } from '../../heldOutText.ts';
import type { CheckOptions } from '../form.ts';
import { readHook } from './hookFile.ts';
import { hookFormula } from './hookFormula.ts';

/** Positions that the formula is checked on: it is slow. */
const FORMULA_CONTEXTS = 4;
const FORMULA_LENGTH = 48;
/** Multiplications, so that the largest topk dictionaries take seconds. */
const FORMULA_BUDGET = 4e9;
/** Of the largest number that flows through a site. */
const FORMULA_TOLERANCE = 1e-4;

/**
 * The formula of the Python file in double precision, from the exported files, against what flows out of the same sites in the
 * workbench.
 * @throws AppError `verification-failed` when they differ, `cancelled`.
 */
export async function checkFormula(
  folder: string,
  { runtime, contexts, model, edit, dictionaries, bosTokenId, signal, onWork }: CheckOptions,
): Promise<FormulaCheck> {
  const hook = await readHook(folder);
  const abilities = { bosTokenId, promptLength: true, firstFiring: true };
  const interactive = new InteractiveEdit(placesOf(edit), dictionaries, abilities);
  const sites = hook.description.places.map(({ site }) => site);
  const perPosition = [...hook.rows.values()].reduce(
    (sum, { encoder, decoder }) => sum + encoder.length + decoder.length,
    1,
  );
  const positions = Math.max(2, Math.floor(FORMULA_BUDGET / perPosition));
  const texts = contexts
    .slice(0, FORMULA_CONTEXTS)
    .map((context) => Array.from(context).slice(0, Math.min(FORMULA_LENGTH, positions)));
  const open = (tapsAfterPatches: boolean) =>
    runtime.createSession(
      buildVariant(model, { patches: interactive.patches, taps: sites, tapsAfterPatches, head: 'none' }),
      {
        weightsFolder: model.weightsFolder,
      },
    );
  const check = { positions: 0, undecided: 0, maxAbsDiff: 0, scale: 0 };
  await withSession(open(false), (before) =>
    withSession(open(true), async (after) => {
      for (const [done, tokens] of texts.entries()) {
        if (signal?.aborted) throw new AppError('cancelled', 'The export was cancelled.');
        onWork?.({ stage: 'Checking the formula', done, total: texts.length, unit: 'texts' });
        const promptLength = promptLengthOf(tokens);
        const feeds = {
          ...interactive.feeds(edit, { batch: 1, promptLengths: [promptLength] }),
          input_ids: tokenTensor([tokens], 'right'),
        };
        const [inside, outside] = [await before.run(feeds), await after.run(feeds)];
        for (const site of sites) {
          const [x, actual] = [rowsOf(inside[site]?.data, tokens.length), rowsOf(outside[site]?.data, tokens.length)];
          const expected = hookFormula(hook, site, { x, tokens, promptLength });
          for (const [position, row] of expected.x.entries()) {
            check.positions += 1;
            if (expected.isUndecided[position] === true) check.undecided += 1;
            else
              for (const [j, value] of row.entries()) {
                const found = actual[position]?.[j] ?? NaN;
                const difference = Math.abs(value - found);
                if (!(difference <= check.maxAbsDiff)) check.maxAbsDiff = difference;
                check.scale = Math.max(check.scale, Math.abs(found));
              }
          }
        }
      }
    }),
  );
  const { scale, ...result } = check;
  const tolerance = FORMULA_TOLERANCE * Math.max(1, scale);
  if (!(result.maxAbsDiff <= tolerance)) {
    throw new AppError(
      'verification-failed',
      `The exported formula gives other activations than the workbench: they differ by up to ${result.maxAbsDiff}, tolerated are ${tolerance}.`,
      { details: { maxAbsDiff: result.maxAbsDiff, tolerance } },
    );
  }
  return { ...result, tolerance };
}

function rowsOf(data: unknown, count: number): Float32Array[] {
  if (!(data instanceof Float32Array)) throw new AppError('internal', 'A site gave no float32 activations.');
  const width = data.length / count;
  return Array.from({ length: count }, (_, index) => data.slice(index * width, (index + 1) * width));
}
