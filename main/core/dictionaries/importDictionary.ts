// Import of a dictionary that was made elsewhere: it is looked at (which layout, what the file claims), then copied into the
// form in which the project keeps all of its dictionaries (saeLens.ts), piece by piece, whatever its size.
// Invariant: the hash in the record is hashDictionary's of what loadDictionary reads from the copy.
import { createHash, type Hash } from 'node:crypto';
import { resolve, sep } from 'node:path';
import type { Claims, ReadingChanges } from '../../contract/domain/importedDictionary.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { float16ToFloat32, bfloat16ToFloat32 } from '../numerics/halfPrecision.ts';
import { checkCompetition, hashOfParts } from './dictionary.ts';
import { writeImportRecord, type ImportRecord } from './importRecord.ts';
import type { DictionaryKind } from './kinds/index.ts';
import { siteNameInPath, siteOfName } from './layouts/hookNames.ts';
import { ALL_LAYOUTS } from './layouts/index.ts';
import type { Layout, Reading } from './layouts/layout.ts';
import { openMaterial } from './layouts/material.ts';
import { changeReading } from './readingChanges.ts';
import { writeSaeLensFolder } from './saeLens.ts';
import { copyInOrder, dtypeOfCopy, type Scaling, type StoredMatrix } from './storedMatrix.ts';

/** Numbers that are looked at at once. */
const SLICE = 1 << 20;

/** What a file says before anything is copied. */
export interface InspectedDictionary {
  readonly path: string;
  readonly bytes: number;
  readonly layout: string;
  readonly layoutTitle: string;
  readonly architecture: DictionaryKind;
  readonly d: number;
  readonly size: number;
  readonly k: number | null;
  readonly claims: Claims;
  /** The site of ours that was named, or that the file or its folder claims; null: nothing says it. */
  readonly site: string | null;
  readonly conclusions: readonly string[];
}

interface Opened {
  readonly layout: Layout;
  readonly reading: Reading;
  readonly path: string;
  readonly bytes: number;
}

/** @throws AppError `unsupported` for a layout that is not known, naming the tensors; as openMaterial does. */
async function withReading<T>(path: string, changes: ReadingChanges, use: (opened: Opened) => Promise<T>): Promise<T> {
  const { file, bytes, materials } = await openMaterial(path);
  try {
    for (const material of materials) {
      for (const layout of ALL_LAYOUTS) {
        const because = layout.recognise(material);
        if (because === null) continue;
        const reading = changeReading(await layout.read(material), changes);
        const conclusions = [
          `${layout.title}: ${because.charAt(0).toLowerCase()}${because.slice(1)}`,
          ...reading.conclusions,
        ];
        return await use({ layout, reading: { ...reading, conclusions }, path: file.path, bytes });
      }
    }
    const names = [...file.tensors].slice(0, 12).map(([name, { shape }]) => `${name} [${shape.join(', ')}]`);
    throw new AppError(
      'unsupported',
      `${file.path}: its tensors are those of no layout that is known here: ${names.join('; ')}.`,
      { details: { path: file.path } },
    );
  } finally {
    await file.close();
  }
}

/**
 * Reads headers and small tensors only.
 * @param options the site, in our words or in another project's (left out: what the file claims); what to read differently
 * @throws AppError `not-found`, `invalid-file`, `mismatch`, `unsupported`; `usage`; `unknown-site` for a name of no table.
 */
export async function inspectDictionaryFile(
  path: string,
  { site: named, ...changes }: ReadingChanges & { readonly site?: string } = {},
): Promise<InspectedDictionary> {
  return withReading(path, changes, ({ layout, reading, path: file, bytes }) => {
    const { kind, d, size, k, claims } = reading;
    const { site, conclusion } = siteOf(claims, resolve(file), named);
    const conclusions = [...reading.conclusions, ...(conclusion === null ? [] : [conclusion])];
    const facts = { path: resolve(file), bytes, layout: layout.name, layoutTitle: layout.title };
    return Promise.resolve({ ...facts, architecture: kind, d, size, k, claims, site, conclusions });
  });
}

function siteOf(
  claims: Claims,
  path: string,
  named: string | undefined,
): { readonly site: string | null; readonly conclusion: string | null } {
  if (named !== undefined) {
    const site = siteOfName(named);
    if (site !== null) return { site, conclusion: null };
    throw new AppError(
      'unknown-site',
      `"${named.slice(0, 100)}" is not the name of a site. Example: blocks.5.hook_resid_post`,
      {
        details: { site: named.slice(0, 100) },
      },
    );
  }
  const claimed = claims.site === null ? null : siteOfName(claims.site);
  if (claims.site !== null && claimed !== null) {
    return {
      site: claimed,
      conclusion: claims.site === claimed ? null : `Its site ${claims.site} is ${claimed} here.`,
    };
  }
  const part = siteNameInPath(path.split(sep).join('/'));
  const site = part === null ? null : siteOfName(part);
  return { site, conclusion: site === null ? null : `The folder ${part ?? ''} says that its site is ${site}.` };
}

export interface ImportOptions {
  /** The file or its folder. */
  readonly path: string;
  /** Empty, and there. */
  readonly folder: string;
  readonly site: string;
  /** The hash is empty where the model is not at hand. */
  readonly model: { readonly name: string; readonly hash: string };
  /** What to read differently from what the layout says. */
  readonly changes?: ReadingChanges;
  /** What its plan says was concluded. */
  readonly conclusions: readonly string[];
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** Fills the folder. @throws AppError as inspectDictionaryFile; `disk-full`; `invalid-file` for values that are not finite. */
export async function importDictionary(options: ImportOptions): Promise<ImportRecord> {
  const { folder, site, model, signal, onWork } = options;
  return withReading(options.path, options.changes ?? {}, async ({ layout, reading, path, bytes }) => {
    const { kind, d, size, k, encoderBias, decoderBias, perFeature, subtractsDecoderBias } = reading;
    checkCompetition({ architecture: kind, size, k }, path);
    for (const [name, values] of Object.entries({ encoderBias, decoderBias, ...perFeature })) {
      if (!values.every(Number.isFinite)) throw notFinite(path, name);
    }
    const { encoding, decoding } = scalingsOf(reading);
    let done = 0;
    const total = 3 * d * size;
    const pass = async function* (matrix: StoredMatrix, order: 'rows' | 'columns', scaling: Scaling) {
      for await (const piece of copyInOrder(matrix, order, scaling)) {
        signal?.throwIfAborted();
        done += piece.length;
        onWork?.({ stage: 'Copying the dictionary', done, total, unit: 'numbers' });
        yield piece;
      }
    };
    // The hash is over rows, while W_enc is stored by columns: one more pass over the encoder.
    const encoderHash = createHash('sha256');
    for await (const piece of pass(reading.encoder, 'rows', encoding)) {
      hashFinite(encoderHash, piece, dtypeOfCopy(reading.encoder, encoding), path, 'the encoder');
    }
    const decoderHash = createHash('sha256');
    const head = { architecture: kind, d, size, k, site, modelHash: model.hash };
    await writeSaeLensFolder(
      folder,
      {
        ...head,
        encoderBias,
        decoderBias,
        perFeature,
        subtractsDecoderBias,
        encoder: {
          dtype: dtypeOfCopy(reading.encoder, encoding),
          data: async function* () {
            yield* pass(reading.encoder, 'columns', encoding);
          },
        },
        decoder: {
          dtype: dtypeOfCopy(reading.decoder, decoding),
          data: async function* () {
            for await (const piece of pass(reading.decoder, 'rows', decoding)) {
              hashFinite(decoderHash, piece, dtypeOfCopy(reading.decoder, decoding), path, 'the decoder');
              yield piece;
            }
          },
        },
      },
      {
        modelName: model.name,
        contextLength: null,
        errata: { imported: { layout: layout.name, path: resolve(path) } },
      },
    );
    const centre = subtractsDecoderBias ? decoderBias : new Float32Array(d);
    const hash = hashOfParts(head, {
      encoder: encoderHash.digest('hex'),
      decoder: decoderHash.digest('hex'),
      ...{ encoderBias, decoderBias, centre, perFeature },
    });
    const record: ImportRecord = {
      version: 1,
      imported: new Date().toISOString(),
      source: { path: resolve(path), bytes },
      layout: layout.name,
      layoutTitle: layout.title,
      conclusions: [...options.conclusions],
      claims: reading.claims,
      check: null,
      ...{ architecture: kind, d, size, k, site, model, hash },
    };
    await writeImportRecord(folder, record);
    return record;
  });
}

function scalingsOf({ featureScale, encoderScale = 1, decoderScale = 1 }: Reading) {
  const inverse = featureScale?.map((value) => 1 / value);
  return {
    encoding: { all: encoderScale, ...(featureScale ? { rows: featureScale } : {}) },
    decoding: { all: decoderScale, ...(inverse ? { rows: inverse } : {}) },
  };
}

function floatsOf(
  piece: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>,
  dtype: 'F32' | 'F16' | 'BF16',
): Float32Array<ArrayBuffer> {
  if (piece instanceof Float32Array) return piece;
  return dtype === 'BF16' ? bfloat16ToFloat32(piece) : float16ToFloat32(new Float16Array(piece.buffer));
}

/** In slices, so that a large piece is never in memory twice. @throws AppError `invalid-file` for what is not a finite number. */
function hashFinite(
  hash: Hash,
  piece: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>,
  dtype: 'F32' | 'F16' | 'BF16',
  path: string,
  what: string,
): void {
  for (let from = 0; from < piece.length; from += SLICE) {
    const floats = floatsOf(piece.slice(from, from + SLICE), dtype);
    for (let i = 0; i < floats.length; i++) if (!Number.isFinite(floats[i])) throw notFinite(path, what);
    hash.update(floats);
  }
}

function notFinite(path: string, what: string): AppError {
  return new AppError('invalid-file', `${path}: ${what} has a value that is not a finite number.`, {
    details: { path },
  });
}
