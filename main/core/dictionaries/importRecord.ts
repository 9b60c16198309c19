// import.json, in the folder of a dictionary that was made elsewhere: from which file it came, what was concluded and from
// what, and what the file claims. A folder of dictionaries/ has either this file or a run's run.json.
import { join } from 'node:path';
import * as v from 'valibot';
import { validate } from '../../contract/base/validate.ts';
import { importFactsEntries } from '../../contract/domain/importedDictionary.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { readJson } from '../files/json.ts';
import { DICTIONARY_KINDS } from './kinds/index.ts';

export const IMPORT_FILE = 'import.json';
const MAX_BYTES = 16 << 20;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

const ImportRecordSchema = v.object({
  version: v.literal(1),
  ...importFactsEntries,
  architecture: v.picklist(DICTIONARY_KINDS),
  d: count,
  size: count,
  k: v.nullable(count),
  site: v.string(),
  /** The hash is empty where the model was not at hand: the dictionary opens, and nothing of it was checked. */
  model: v.object({ name: v.string(), hash: v.string() }),
  /** The content hash of the dictionary. */
  hash: v.string(),
});
export type ImportRecord = v.InferOutput<typeof ImportRecordSchema>;

/** @throws AppError `not-found`, `invalid-file`. */
export async function readImportRecord(folder: string): Promise<ImportRecord> {
  const path = join(folder, IMPORT_FILE);
  return validate(ImportRecordSchema, await readJson(path, MAX_BYTES), path, 'invalid-file');
}

export async function writeImportRecord(folder: string, record: ImportRecord): Promise<void> {
  await writeFileAtomic(join(folder, IMPORT_FILE), `${JSON.stringify(record, null, 2)}\n`);
}
