// A dictionary ready for use: its arrays in the units of the raw activations, one row per feature.
//
// With x an activation `[d]`, c = centre, w_i and d_i the encoder and decoder rows of feature i:
//   pre_i = ⟨w_i, x − c⟩ + b_i,   f = act(pre),   x̂ = decoderBias + Σ f_i d_i
// where act is its kind's (kinds/).
import { AppError } from '../../contract/base/errors.ts';
import { hashBytes } from '../files/hash.ts';
import { kindOf, type DictionaryKind } from './kinds/index.ts';
import type { PerFeature } from './kinds/kind.ts';

export interface Dictionary {
  /** Its kind. */
  readonly architecture: DictionaryKind;
  /** Width of the site. */
  readonly d: number;
  /** Number of features. */
  readonly size: number;
  /** How many features fire, where they compete. */
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
  /** `[size]` each: what the kind selects by, besides pre-activations. */
  readonly perFeature: PerFeature;
  /** The site it was trained on, and the content hash of the model. */
  readonly site: string;
  readonly modelHash: string;
}

/** @throws AppError `mismatch` when the arrays do not fit each other. */
export function checkDictionary(dictionary: Dictionary, name: string): Dictionary {
  const { d, size, k, architecture } = dictionary;
  const kind = kindOf(dictionary);
  const expected: readonly (readonly [string, Float32Array | undefined, number])[] = [
    ['encoder', dictionary.encoder, size * d],
    ['encoder bias', dictionary.encoderBias, size],
    ['decoder', dictionary.decoder, size * d],
    ['decoder bias', dictionary.decoderBias, d],
    ['centre', dictionary.centre, d],
    ...kind.perFeature.map((each) => [each, dictionary.perFeature[each], size] as const),
  ];
  for (const [what, array, length] of expected) {
    if (array === undefined)
      throw new AppError('invalid-file', `${name}: a ${architecture} dictionary needs a ${what}.`);
    if (array.length !== length) {
      throw new AppError('mismatch', `${name}: the ${what} has ${array.length} values, not ${length}.`);
    }
    if (!array.every(Number.isFinite)) {
      throw new AppError('invalid-file', `${name}: the ${what} has a value that is not a finite number.`);
    }
  }
  if (kind.competes && (k === null || k < 1 || k > size)) {
    throw new AppError(
      'invalid-file',
      `${name}: a ${architecture} dictionary of ${size} features cannot keep ${k ?? 'an unknown number'} of them.`,
    );
  }
  return dictionary;
}

/** The content hash of a dictionary: everything that decides what it computes, whatever file it came from. */
export function hashDictionary(dictionary: Dictionary): string {
  const { architecture, d, size, k, site, modelHash } = dictionary;
  const head = new TextEncoder().encode(JSON.stringify([architecture, d, size, k, site, modelHash]));
  const { perFeature } = kindOf(dictionary);
  const nothing = new Float32Array(0);
  const arrays = [
    dictionary.encoder,
    dictionary.encoderBias,
    dictionary.decoder,
    dictionary.decoderBias,
    dictionary.centre,
    // An empty array stands for none: the hashes of dictionaries without have always had one.
    ...(perFeature.length === 0 ? [nothing] : perFeature.map((name) => dictionary.perFeature[name] ?? nothing)),
  ];
  const parts = [head, ...arrays.map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength))];
  return hashBytes(new TextEncoder().encode(parts.map(hashBytes).join('')));
}
