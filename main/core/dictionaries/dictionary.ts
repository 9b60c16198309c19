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
  const { d, size, architecture } = dictionary;
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
  checkCompetition(dictionary, name);
  return dictionary;
}

/** @throws AppError `invalid-file` where features compete for no places, or for more than there are features. */
export function checkCompetition(
  { architecture, size, k }: Pick<Dictionary, 'architecture' | 'size' | 'k'>,
  name: string,
): void {
  if (!kindOf({ architecture }).competes || (k !== null && k >= 1 && k <= size)) return;
  throw new AppError(
    'invalid-file',
    `${name}: a ${architecture} dictionary of ${size} features cannot keep ${k ?? 'an unknown number'} of them.`,
  );
}

/** The content hash of a dictionary: everything that decides what it computes, whatever file it came from. */
export function hashDictionary(dictionary: Dictionary): string {
  const { encoder, decoder } = dictionary;
  return hashOfParts(dictionary, { ...dictionary, encoder: hashArray(encoder), decoder: hashArray(decoder) });
}

type Identity = Pick<Dictionary, 'architecture' | 'd' | 'size' | 'k' | 'site' | 'modelHash'>;
type SmallArrays = Pick<Dictionary, 'encoderBias' | 'decoderBias' | 'centre' | 'perFeature'>;

/** The same, of a dictionary whose matrices are too large to be at hand: `encoder` and `decoder` are the hashes of their rows. */
export function hashOfParts(
  { architecture, d, size, k, site, modelHash }: Identity,
  arrays: SmallArrays & { readonly encoder: string; readonly decoder: string },
): string {
  const names = kindOf({ architecture }).perFeature;
  // An empty array stands for none: the hashes of dictionaries without have always had one.
  const own =
    names.length === 0 ? [new Float32Array(0)] : names.map((name) => arrays.perFeature[name] ?? new Float32Array(0));
  const parts = [
    hashBytes(new TextEncoder().encode(JSON.stringify([architecture, d, size, k, site, modelHash]))),
    arrays.encoder,
    hashArray(arrays.encoderBias),
    arrays.decoder,
    hashArray(arrays.decoderBias),
    hashArray(arrays.centre),
    ...own.map(hashArray),
  ];
  return hashBytes(new TextEncoder().encode(parts.join('')));
}

function hashArray({ buffer, byteOffset, byteLength }: Float32Array): string {
  return hashBytes(new Uint8Array(buffer, byteOffset, byteLength));
}
