// Small random dictionaries, and the formulas of dictionary.ts in plain double precision, written apart from those of kinds/. Only tests import this file.
import type { Random } from '../../core/numerics/random.ts';
import type { Dictionary } from '../../core/dictionaries/dictionary.ts';
import { kindOf, type DictionaryKind } from '../../core/dictionaries/kinds/index.ts';

export function randomDictionary(
  random: Random,
  architecture: DictionaryKind,
  { d, size, k = 4, site = 'blocks.0.hook_resid_post' }: { d: number; size: number; k?: number; site?: string },
): Dictionary {
  const normals = (count: number, scale: number) => Float32Array.from({ length: count }, () => random.normal() * scale);
  const kind = kindOf({ architecture });
  return {
    architecture,
    d,
    size,
    k: kind.competes ? k : null,
    encoder: normals(size * d, d ** -0.5),
    encoderBias: normals(size, 0.3),
    decoder: normals(size * d, d ** -0.5),
    decoderBias: normals(d, 0.3),
    centre: normals(d, 0.3),
    perFeature: Object.fromEntries(
      kind.perFeature.map((name) => [name, Float32Array.from({ length: size }, () => 0.1 + random.uniform())]),
    ),
    site,
    modelHash: '0'.repeat(64),
  };
}

/** Feature activations of one position, `[size]`. */
export function referenceActivations(dictionary: Dictionary, x: ArrayLike<number>): Float64Array {
  const { d, size, encoder, encoderBias, centre, architecture, perFeature, k } = dictionary;
  const pre = Float64Array.from({ length: size }, (_, feature) => {
    let sum = encoderBias[feature] as number;
    for (let j = 0; j < d; j++)
      sum += (encoder[feature * d + j] as number) * ((x[j] as number) - (centre[j] as number));
    return sum;
  });
  if (architecture === 'topk') {
    const best = [...pre.keys()].sort((a, b) => (pre[b] as number) - (pre[a] as number) || a - b).slice(0, k ?? 0);
    return pre.map((value, feature) => (best.includes(feature) ? Math.max(value, 0) : 0));
  }
  if (['relu', 'batchtopk', 'jumprelu'].includes(architecture)) {
    return pre.map((value, feature) => (value > (perFeature['threshold']?.[feature] ?? 0) ? value : 0));
  }
  return kindOf(dictionary).selectSlowly(pre, perFeature, k ?? 0).values;
}

/** x̂ of one position, `[d]`. */
export function referenceReconstruction(dictionary: Dictionary, x: ArrayLike<number>): Float64Array {
  const { d, decoder, decoderBias } = dictionary;
  const result = Float64Array.from(decoderBias);
  for (const [feature, activation] of referenceActivations(dictionary, x).entries()) {
    for (let j = 0; j < d; j++) result[j] = (result[j] as number) + activation * (decoder[feature * d + j] as number);
  }
  return result;
}
