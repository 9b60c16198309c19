// manifest.json of an activation store: what the store is of, and which shards it has. While the store is being written the
// latest shards are in its journal; both together tell where an interrupted capture continues.

import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { validate } from '../../contract/base/validate.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { readJson } from '../files/json.ts';
import { readJournal } from './shardJournal.ts';
import { positive, sha256, shardSchema } from './shardRecord.ts';

export const MANIFEST_FILE = 'manifest.json';
export const TOKENS_FILE = 'tokens.safetensors';
/** The one tensor of a shard, `[rows, width]`. */
export const SHARD_TENSOR = 'activations';

const MAX_MANIFEST_BYTES = 64 << 20;

/** What a store is of: fixed when it is made. */
const descriptionEntries = {
  model: sha256,
  /** SHA-256 of tokenizer.json. */
  tokenizer: sha256,
  corpus: sha256,
  site: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  /** Numbers per row. */
  width: positive,
  dtype: v.picklist(['f32', 'f16']),
  contextLength: positive,
  /** Null: as many contexts as the corpus fills. */
  maxContexts: v.nullable(positive),
  contexts: positive,
  bosTokenId: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  /** What opens a context; left out by older programs, which put a BOS there where the tokenizer had one. */
  opening: v.exactOptional(v.pipe(v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))), v.readonly())),
  /** Contexts per run of the model. Floating-point results may depend on it in the last bit. */
  batchSize: positive,
  rowsPerShard: positive,
};

const manifestSchema = v.strictObject({
  format: v.literal('errata-activations'),
  version: v.literal(1),
  ...descriptionEntries,
  /** Of the file tokens.safetensors: `tokens` `[contexts, contextLength]`. */
  tokensSha256: sha256,
  shards: v.array(shardSchema),
});

export type Manifest = Readonly<v.InferOutput<typeof manifestSchema>>;
export type StoreDescription = Omit<Manifest, 'format' | 'version' | 'tokensSha256' | 'shards'>;
/** What is known before the corpus is packed, and must be equal for a capture to go on. */
export type StorePlan = Omit<StoreDescription, 'contexts'>;

/** Every position of every context is a row, in order: row = context · contextLength + position. */
export function totalRows({ contexts, contextLength }: Pick<StoreDescription, 'contexts' | 'contextLength'>): number {
  return contexts * contextLength;
}

export function bytesPerRow({ width, dtype }: Pick<StoreDescription, 'width' | 'dtype'>): number {
  return width * (dtype === 'f16' ? 2 : 4);
}

export function rowsOfShard(description: StoreDescription, shard: number): number {
  return Math.min(description.rowsPerShard, totalRows(description) - shard * description.rowsPerShard);
}

export function shardCount(description: StoreDescription): number {
  return Math.ceil(totalRows(description) / description.rowsPerShard);
}

export function shardFile(shard: number): string {
  return `activations-${String(shard).padStart(5, '0')}.safetensors`;
}

/** With the shards of the journal, where the store is not finished. @throws AppError `not-found`, `invalid-file`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST_FILE);
  const written = validate(manifestSchema, await readJson(path, MAX_MANIFEST_BYTES), path, 'invalid-file');
  const isFinished = written.shards.length >= shardCount(written);
  const manifest = isFinished ? written : { ...written, shards: [...written.shards, ...(await readJournal(folder))] };
  const isInOrder = manifest.shards.every(
    ({ file, rows }, i) => file === shardFile(i) && rows === rowsOfShard(manifest, i),
  );
  if (!isInOrder || !Number.isSafeInteger(totalRows(manifest) * manifest.width * 4)) {
    throw new AppError('invalid-file', `${path}: its shards are not those of ${totalRows(manifest)} rows.`, {
      details: { path },
    });
  }
  return manifest;
}

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  // Parsing puts the members into the schema's order: the same store gives the same bytes, whoever made the object.
  const content = JSON.stringify(v.parse(manifestSchema, manifest), null, 1);
  await writeFileAtomic(join(folder, MANIFEST_FILE), `${content}\n`);
}

function openingOf({ opening, bosTokenId }: Pick<StorePlan, 'opening' | 'bosTokenId'>): readonly number[] {
  return opening ?? (bosTokenId === null ? [] : [bosTokenId]);
}

/** @throws AppError `mismatch` that names what differs, when a store is not of what is planned. */
export function checkSamePlan(folder: string, manifest: Manifest, plan: StorePlan): void {
  const keys = Object.keys(descriptionEntries) as (keyof StoreDescription)[];
  const there: Readonly<Record<string, unknown>> = { ...manifest, opening: openingOf(manifest).join(' ') };
  const values: Readonly<Record<string, unknown>> = { ...plan, opening: openingOf(plan).join(' ') };
  const differing = keys.filter((key) => key !== 'contexts' && there[key] !== values[key]);
  if (differing.length === 0) return;
  const list = differing.map((key) => `${key} ${String(there[key])} instead of ${String(values[key])}`);
  throw new AppError('mismatch', `${folder}: there are other activations already: ${list.join(', ')}.`, {
    details: { path: folder, differing },
  });
}
