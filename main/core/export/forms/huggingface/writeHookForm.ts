// A Hugging Face folder with a hook: the original checkpoint (linked where the file system can), the edit's rows, and a small
// Python file that applies them. The checkpoint lies in a folder of its own, called what it is: nothing that loads the artifact as
// if it were a plain checkpoint shall find the unpatched model.
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from '../../../../contract/base/errors.ts';
import { writeFileAtomic } from '../../../files/atomicWrite.ts';
import type { Model } from '../../../models/model.ts';
import { copyCompanions } from '../../checkpoints/companions.ts';
import { linkOrCopy } from '../../linkOrCopy.ts';
import type { WriteOptions } from '../form.ts';
import { EDIT_FILE, hookOf, ROWS_FILE, writeHook } from './hookFile.ts';
import { planHook } from './hookPlan.ts';
import { HOOK_FILE, HOOK_PYTHON, ORIGINAL_FOLDER } from './hookPython.ts';
import type { WrittenFile } from '../../manifest.ts';

const INDEX_FILE = 'model.safetensors.index.json';

/** @throws AppError `unsupported` with the reason when transformers has no module at a site. */
export async function writeHookForm(folder: string, options: WriteOptions): Promise<WrittenFile[]> {
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
