// Dictionaries on disk in SAELens layout (v6): a folder with cfg.json and sae_weights.safetensors, so that a project's
// dictionary opens in the field's own tools as it is. Tensors: W_enc [d, n], W_dec [n, d], b_dec [d], and those [n] that its
// kind says. pre = (x − b_dec)·W_enc + b_enc when apply_b_dec_to_input (their default), else x·W_enc + b_enc.
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { validate } from '../../contract/base/validate.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { openFile } from '../files/byteSource.ts';
import {
  readFloatTensor,
  readSafetensorsHeader,
  writeSafetensors,
  type TensorToWrite,
} from '../formats/safetensors.ts';
import { checkDictionary, type Dictionary } from './dictionary.ts';
import { kindOf, kindOfSaeLens, SAELENS_ARCHITECTURES } from './kinds/index.ts';
import { readJson } from '../files/json.ts';

export const CONFIG_FILE = 'cfg.json';
export const WEIGHTS_FILE = 'sae_weights.safetensors';
const MAX_FEATURES = 1 << 24;
const MAX_CONFIG_BYTES = 16 << 20;

const ConfigEntries = v.looseObject({
  architecture: v.picklist(SAELENS_ARCHITECTURES, ({ received }) => `${received} cannot be read`),
  d_in: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1 << 20)),
  d_sae: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_FEATURES)),
  k: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  apply_b_dec_to_input: v.optional(v.boolean(), true),
  normalize_activations: v.optional(v.literal('none'), 'none'),
  reshape_activations: v.optional(v.picklist(['none', 'hook_z']), 'none'),
  rescale_acts_by_decoder_norm: v.optional(v.literal(false), false),
  metadata: v.optional(
    v.looseObject({ hook_name: v.optional(v.string()), training_architecture: v.optional(v.string()) }),
    {},
  ),
});

const Config = v.pipe(
  ConfigEntries,
  v.check(
    ({ architecture, metadata, k, d_sae }) =>
      !kindOfSaeLens(architecture, metadata.training_architecture)?.competes || (k !== undefined && k <= d_sae),
    ({ input }) => `a ${input.architecture} dictionary needs a k from 1 to d_sae`,
  ),
);

/** Our own facts, kept under metadata.errata of cfg.json. */
const ErrataFacts = v.looseObject({ modelHash: v.string(), site: v.string() });

export interface DictionaryMetadata {
  readonly modelName: string;
  /** Null: not known. */
  readonly contextLength: number | null;
  /** More facts for cfg.json's metadata (provenance, quality); JSON values. */
  readonly errata: Readonly<Record<string, unknown>>;
}

/** Writes cfg.json last, so that it says that the dictionary is whole. */
export async function saveDictionary(
  folder: string,
  dictionary: Dictionary,
  metadata: DictionaryMetadata,
): Promise<void> {
  const { d, size, decoderBias, centre } = dictionary;
  // x − centre = (x − b_dec) + (b_dec − centre): the difference goes into the encoder's bias.
  const encoderBias = new Float32Array(size);
  for (let feature = 0; feature < size; feature++) {
    let shift = 0;
    for (let j = 0; j < d; j++) {
      shift += (dictionary.encoder[feature * d + j] as number) * ((decoderBias[j] as number) - (centre[j] as number));
    }
    encoderBias[feature] = (dictionary.encoderBias[feature] as number) + shift;
  }
  const arrays = {
    encoderBias,
    subtractsDecoderBias: true,
    encoder: { dtype: 'F32', data: transposed(dictionary.encoder, size, d) },
    decoder: { dtype: 'F32', data: dictionary.decoder },
  } as const;
  await writeSaeLensFolder(folder, { ...dictionary, ...arrays }, metadata);
}

type Matrix = Pick<TensorToWrite, 'data'> & { readonly dtype: 'F32' | 'F16' | 'BF16' };

/** A dictionary as the layout has it. */
export interface SaeLensDictionary extends Omit<Dictionary, 'encoder' | 'decoder' | 'centre'> {
  /** `[d, size]` */
  readonly encoder: Matrix;
  /** `[size, d]` */
  readonly decoder: Matrix;
  /** Whether b_dec is subtracted before encoding. */
  readonly subtractsDecoderBias: boolean;
}

/** Matrices may be larger than memory: see TensorToWrite. */
export async function writeSaeLensFolder(
  folder: string,
  dictionary: SaeLensDictionary,
  metadata: DictionaryMetadata,
): Promise<void> {
  const { architecture, d, size, k, encoder, decoder, encoderBias, decoderBias, perFeature } = dictionary;
  const { saeLens } = kindOf(dictionary);
  await writeSafetensors(join(folder, WEIGHTS_FILE), [
    { name: 'W_enc', ...encoder, shape: [d, size] },
    { name: 'W_dec', ...decoder, shape: [size, d] },
    { name: 'b_dec', dtype: 'F32', shape: [d], data: decoderBias },
    ...Object.entries(saeLens.tensors({ encoderBias, perFeature })).map(
      ([name, data]) => ({ name, dtype: 'F32', shape: [size], data }) as const,
    ),
  ]);
  const config = {
    architecture: saeLens.architecture,
    d_in: d,
    d_sae: size,
    dtype: 'float32',
    device: 'cpu',
    apply_b_dec_to_input: dictionary.subtractsDecoderBias,
    normalize_activations: 'none',
    reshape_activations: dictionary.site.endsWith('hook_z') ? 'hook_z' : 'none',
    ...saeLens.config(k),
    metadata: {
      model_name: metadata.modelName,
      hook_name: dictionary.site,
      ...(metadata.contextLength === null ? {} : { context_size: metadata.contextLength }),
      prepend_bos: true,
      training_architecture: architecture,
      errata: { ...metadata.errata, modelHash: dictionary.modelHash, site: dictionary.site },
    },
  };
  await writeFileAtomic(join(folder, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
}

/** @throws AppError `not-found`, `invalid-file` or `mismatch`, naming the file. */
export async function loadDictionary(folder: string): Promise<Dictionary> {
  const configPath = join(folder, CONFIG_FILE);
  const config = validate(Config, await readJson(configPath, MAX_CONFIG_BYTES), configPath, 'invalid-file');
  const { d_in: d, d_sae: size } = config;
  const weightsPath = join(folder, WEIGHTS_FILE);
  const source = await openFile(weightsPath);
  try {
    const header = await readSafetensorsHeader(source);
    const read = async (name: string, shape: readonly number[]): Promise<Float32Array> => {
      const info = header.tensors.get(name);
      if (!info) throw new AppError('invalid-file', `${weightsPath}: the tensor ${name} is missing.`);
      if (info.shape.join() !== shape.join()) {
        const sizes = `[${info.shape.join(', ')}], not [${shape.join(', ')}]`;
        throw new AppError('mismatch', `${weightsPath}: ${name} has the shape ${sizes} that cfg.json asks for.`);
      }
      return readFloatTensor(source, info);
    };
    const decoderBias = await read('b_dec', [d]);
    const errata = v.safeParse(ErrataFacts, config.metadata['errata']);
    const kind = kindOfSaeLens(config.architecture, config.metadata.training_architecture);
    if (!kind) throw new AppError('unsupported', `${configPath}: ${config.architecture} is not a known architecture.`);
    const encoder = transposed(await read('W_enc', [d, size]), d, size);
    const { encoderBias, perFeature } = await kind.saeLens.read((name) => read(name, [size]));
    return checkDictionary(
      {
        architecture: kind.name,
        d,
        size,
        k: config.k ?? null,
        encoder,
        encoderBias,
        decoder: await read('W_dec', [size, d]),
        decoderBias,
        centre: config.apply_b_dec_to_input ? decoderBias : new Float32Array(d),
        perFeature,
        site: errata.success ? errata.output.site : (config.metadata.hook_name ?? ''),
        modelHash: errata.success ? errata.output.modelHash : '',
      },
      weightsPath,
    );
  } finally {
    await source.close();
  }
}

/** `[rows, columns]` → `[columns, rows]` */
export function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(matrix.length);
  // In tiles, so that both sides stay in the cache.
  const tile = 32;
  for (let top = 0; top < rows; top += tile) {
    for (let left = 0; left < columns; left += tile) {
      const bottom = Math.min(top + tile, rows);
      const right = Math.min(left + tile, columns);
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          result[column * rows + row] = matrix[row * columns + column] as number;
        }
      }
    }
  }
  return result;
}
