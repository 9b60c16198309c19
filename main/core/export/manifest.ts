// What an artifact says about itself: manifest.json, written last. It names every other file with its hash, and carries a hash
// of its own content, so that a changed byte anywhere is found and named.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { hashSchema, timeSchema } from '../../contract/base/fields.ts';
import { badgeSchema, exportFormName } from '../../contract/domain/exportForms.ts';
import { validate } from '../../contract/base/validate.ts';
import { DICTIONARY_KINDS } from '../dictionaries/kinds/index.ts';
import { contentId } from '../edits/canonical.ts';
import { editId } from '../edits/edit.ts';
import { MAX_OPERATIONS, operationsSchema } from '../../contract/domain/edit.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { toFileError } from '../files/fileError.ts';
import { hashFile } from '../files/hash.ts';
import { pathInside } from '../files/insideFolder.ts';
import { readJsonObject } from '../files/json.ts';

export const MANIFEST_FILE = 'manifest.json';
const MANIFEST_FORMAT = 'errata.artifact.1';
const MAX_FILES = 10_000;

const text = v.pipe(v.string(), v.maxLength(10_000));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const fileSchema = v.strictObject({
  /** Relative to the artifact, with `/`. */
  path: v.pipe(v.string(), v.maxLength(1000)),
  bytes: count,
  sha256: hashSchema,
  /** `link`: the same bytes on the disk as the user's own weights, so that it costs no space. `copy`, where no link could be made. */
  storage: v.picklist(['own', 'copy', 'link']),
});

const contentSchema = v.strictObject({
  format: v.literal(MANIFEST_FORMAT, `expected the format ${MANIFEST_FORMAT}`),
  tool: v.strictObject({ name: v.literal('errata'), version: text }),
  created: timeSchema,
  /** A name of the table in forms/: of a newer version, it may not be there. */
  form: exportFormName,
  model: v.strictObject({
    hash: hashSchema,
    type: text,
    vocabularySize: count,
    layers: count,
    keyValueHeads: count,
    headDim: count,
    /** What the scope notBos leaves alone besides the first position. */
    bosTokenId: v.nullable(count),
  }),
  dictionaries: v.array(
    v.strictObject({
      hash: hashSchema,
      architecture: v.picklist(DICTIONARY_KINDS),
      d: count,
      size: count,
      site: text,
    }),
  ),
  edit: v.strictObject({ id: hashSchema, operations: operationsSchema }),
  /** One for each operation, in the order of the edit. */
  exactness: v.array(v.strictObject({ badge: badgeSchema, reason: text })),
  /** What the graphs ask for beside tokens, cache and padding. */
  inputs: v.strictObject({
    promptLength: v.boolean(),
    /** States that go from run to run: their names without `past_` and `present_`, and their first size. */
    states: v.array(v.strictObject({ name: text, operations: v.pipe(count, v.maxValue(MAX_OPERATIONS)) })),
  }),
  /** Whatever the caller knows of where the edit comes from: version, author, project. */
  provenance: v.record(v.pipe(v.string(), v.maxLength(100)), v.union([text, v.number(), v.boolean(), v.null()])),
  files: v.pipe(v.array(fileSchema), v.maxLength(MAX_FILES)),
});

const manifestSchema = v.strictObject({ ...contentSchema.entries, id: hashSchema });

export type Manifest = v.InferOutput<typeof manifestSchema>;
export type ManifestFile = v.InferOutput<typeof fileSchema>;

/** A file of an artifact that is being written. */
export interface WrittenFile {
  /** Relative to the artifact, with `/`. */
  readonly name: string;
  readonly storage: ManifestFile['storage'];
}
type ManifestContent = Omit<Manifest, 'id' | 'format'>;

/** Writes manifest.json and gives it its id. */
export async function writeManifest(folder: string, content: ManifestContent): Promise<Manifest> {
  const full = { format: MANIFEST_FORMAT, ...content } as const;
  const manifest: Manifest = { ...full, id: contentId(full) };
  await writeFileAtomic(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/**
 * @throws AppError `not-found` when there is none, `invalid-file` when it is malformed, `verification-failed` when it was
 * changed after it was written.
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST_FILE);
  const manifest = validate(manifestSchema, await readJsonObject(path), path, 'invalid-file');
  const { id, ...content } = manifest;
  if (contentId(content) !== id || editId(content.edit) !== content.edit.id) {
    throw new AppError('verification-failed', `${path}: it was changed after the export.`, { details: { path } });
  }
  return manifest;
}

export async function describeFile(
  folder: string,
  path: string,
  storage: ManifestFile['storage'],
  signal?: AbortSignal,
): Promise<ManifestFile> {
  const full = join(folder, path);
  const { size } = await stat(full);
  return { path, bytes: size, sha256: await hashFile(full, signal), storage };
}

/** @throws AppError `verification-failed` that names the first file that is missing or not as it was exported. */
export async function checkFiles(
  folder: string,
  manifest: Manifest,
  { signal, onBytes }: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {},
): Promise<void> {
  let done = 0;
  for (const { path, bytes, sha256 } of manifest.files) {
    const full = pathInside(folder, path, join(folder, MANIFEST_FILE));
    const wrong = (reason: string) =>
      new AppError('verification-failed', `${full}: ${reason}.`, { details: { path: full, file: path } });
    let size: number;
    let hash: string;
    try {
      ({ size } = await stat(full));
      hash = size === bytes ? await hashFile(full, signal) : '';
    } catch (thrown) {
      const error = toFileError(thrown, full);
      throw error.code === 'not-found' ? wrong('this file of the artifact is missing') : error;
    }
    if (size !== bytes) throw wrong(`it has ${size} bytes, ${bytes} were exported`);
    if (hash !== sha256) throw wrong('its content is not what was exported');
    done += bytes;
    onBytes?.(done);
  }
}
