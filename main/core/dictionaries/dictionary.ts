// A dictionary ready for use: its arrays in the units of the raw activations, one row per feature.
//
// With x an activation `[d]`, c = centre, w_i and d_i the encoder and decoder rows of feature i:
//   pre_i = ⟨w_i, x − c⟩ + b_i,   f = act(pre),   x̂ = decoderBias + Σ f_i d_i
//   topk: the k largest of relu(pre);  batchtopk, jumprelu: pre_i where pre_i > threshold_i;  relu: max(pre_i, 0).
import { AppError } from '../../contract/base/errors.ts';
import { hashBytes } from '../files/hash.ts';

/** How a dictionary was trained. A batchtopk dictionary is used with its calibrated threshold, as jumprelu. */
export const ARCHITECTURES = ['relu', 'topk', 'batchtopk', 'jumprelu'] as const;
export type DictionaryArchitecture = (typeof ARCHITECTURES)[number];

export interface Dictionary {
  readonly architecture: DictionaryArchitecture;
  /** Width of the site. */
  readonly d: number;
  /** Number of features. */
  readonly size: number;
  /** For topk: how many features fire. */
  readonly k: number | null;
  /** `[size, d]` */
  readonly encoder: Float32Array;
  /** `[size]` */
  readonly encoderBias: Float32Array;
  /** `[size, d]`, rows of unit norm where we trained it. */
  readonly decoder: Float32Array;
  /** `[d]` */
  readonly decoderBias: Float32Array;
  /** `[d]`, subtracted before encoding. */
  readonly centre: Float32Array;
  /** `[size]`, for batchtopk and jumprelu. */
  readonly threshold: Float32Array | null;
  /** The site it was trained on, and the content hash of the model. */
  readonly site: string;
  readonly modelHash: string;
}

/** @throws AppError `mismatch` when the arrays do not fit each other. */
export function checkDictionary(dictionary: Dictionary, name: string): Dictionary {
  const { d, size, k, architecture } = dictionary;
  const expected: readonly [string, Float32Array | null, number][] = [
    ['encoder', dictionary.encoder, size * d],
    ['encoder bias', dictionary.encoderBias, size],
    ['decoder', dictionary.decoder, size * d],
    ['decoder bias', dictionary.decoderBias, d],
    ['centre', dictionary.centre, d],
    ['threshold', dictionary.threshold, size],
  ];
  for (const [what, array, length] of expected) {
    if (array !== null && array.length !== length) {
      throw new AppError('mismatch', `${name}: the ${what} has ${array.length} values, not ${length}.`);
    }
    if (array !== null && !array.every(Number.isFinite)) {
      throw new AppError('invalid-file', `${name}: the ${what} has a value that is not a finite number.`);
    }
  }
  if (architecture === 'topk' && (k === null || k < 1 || k > size)) {
    throw new AppError(
      'invalid-file',
      `${name}: a topk dictionary of ${size} features cannot keep ${k ?? 'an unknown number'} of them.`,
    );
  }
  if ((architecture === 'batchtopk' || architecture === 'jumprelu') && dictionary.threshold === null) {
    throw new AppError('invalid-file', `${name}: a ${architecture} dictionary needs a threshold.`);
  }
  return dictionary;
}

/** The content hash of a dictionary: everything that decides what it computes, whatever file it came from. */
export function hashDictionary(dictionary: Dictionary): string {
  const { architecture, d, size, k, site, modelHash } = dictionary;
  const head = new TextEncoder().encode(JSON.stringify([architecture, d, size, k, site, modelHash]));
  const arrays = [
    dictionary.encoder,
    dictionary.encoderBias,
    dictionary.decoder,
    dictionary.decoderBias,
    dictionary.centre,
    dictionary.threshold ?? new Float32Array(0),
  ];
  const parts = [head, ...arrays.map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength))];
  return hashBytes(new TextEncoder().encode(parts.map(hashBytes).join('')));
}
