// A Hugging Face folder with a hook: the original checkpoint (linked where the file system can), the edit's rows, and a small
// Python file that applies them. The checkpoint lies in a folder of its own, called what it is: nothing that loads the artifact as
// if it were a plain checkpoint shall find the unpatched model.
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from '../../../../contract/base/errors.ts';
import type { OnWork } from '../../../../contract/base/progress.ts';
import type { Edit } from '../../../edits/edit.ts';
import { InteractiveEdit, placesOf, type Dictionaries } from '../../../edits/editPatches.ts';
import { writeFileAtomic } from '../../../files/atomicWrite.ts';
import type { Model } from '../../../models/model.ts';
import { tokenTensor } from '../../../models/tokenBatch.ts';
import { buildVariant } from '../../../models/variant.ts';
import type { Runtime } from '../../../onnx/runtime.ts';
import { withSession } from '../../artifactModel.ts';
import { copyCompanions } from '../../checkpoints/writeCheckpoint.ts';
import { promptLengthOf } from '../../heldOutText.ts';
import { EDIT_FILE, hookOf, readHook, ROWS_FILE, writeHook } from './hookFile.ts';
import { hookFormula } from './hookFormula.ts';
import { planHook } from './hookPlan.ts';
import { HOOK_FILE, HOOK_PYTHON, ORIGINAL_FOLDER } from './hookPython.ts';
import type { WrittenFile } from '../../manifest.ts';
import { linkOrCopy } from '../../graphs/writeGraphs.ts';
import type { FormulaCheck } from '../../report.ts';

const INDEX_FILE = 'model.safetensors.index.json';

export interface HookFormOptions {
  readonly model: Model;
  readonly edit: Edit;
  readonly dictionaries: Dictionaries;
  readonly bosTokenId: number | null;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** @throws AppError `unsupported` with the reason when transformers has no module at a site. */
export async function writeHookForm(folder: string, options: HookFormOptions): Promise<WrittenFile[]> {
  const { model, edit, dictionaries, bosTokenId, onWork } = options;
  const places = planHook(model, edit.operations);
  if ('refused' in places) throw new AppError('unsupported', places.refused);
  const original = join(folder, ORIGINAL_FOLDER);
  await mkdir(original);
  const written: WrittenFile[] = [];
  const names = weightNames(model);
  for (const [index, file] of model.weightFiles.entries()) {
    onWork?.({ stage: 'Linking the weights', done: index, total: model.weightFiles.length, unit: 'files' });
    const name = names.get(file) ?? basename(file);
    written.push({ name: `${ORIGINAL_FOLDER}/${name}`, storage: await linkOrCopy(file, join(original, name)) });
  }
  if (model.weightFiles.length > 1) {
    const weightMap = Object.fromEntries([...model.storedTensors].map(([name, { file }]) => [name, names.get(file)]));
    const index = { metadata: { total_size: model.weightSize.bytes }, weight_map: weightMap };
    await writeFileAtomic(join(original, INDEX_FILE), `${JSON.stringify(index, null, 1)}\n`);
    written.push({ name: `${ORIGINAL_FOLDER}/${INDEX_FILE}`, storage: 'own' });
  }
  const companions = await copyCompanions(model.folder, original, true);
  await writeHook(folder, hookOf(edit, dictionaries, places, bosTokenId));
  await writeFileAtomic(join(folder, HOOK_FILE), HOOK_PYTHON);
  const own = [...companions.map((name) => `${ORIGINAL_FOLDER}/${name}`), EDIT_FILE, ROWS_FILE, HOOK_FILE];
  return [...written, ...own.map((name): WrittenFile => ({ name, storage: 'own' }))];
}

/** Real paths end in hashes in the caches of the Hub; transformers wants its own names. */
function weightNames({ weightFiles }: Model): ReadonlyMap<string, string> {
  const count = weightFiles.length;
  if (count === 1) return new Map(weightFiles.map((file) => [file, 'model.safetensors']));
  const number = (index: number) => String(index).padStart(5, '0');
  return new Map(
    weightFiles.map((file, index) => [file, `model-${number(index + 1)}-of-${number(count)}.safetensors`]),
  );
}

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
  {
    runtime,
    contexts,
    ...options
  }: HookFormOptions & { readonly runtime: Runtime; readonly contexts: readonly ArrayLike<number>[] },
): Promise<FormulaCheck> {
  const { model, edit, dictionaries, bosTokenId, signal, onWork } = options;
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
