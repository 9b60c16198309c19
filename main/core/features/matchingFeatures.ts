// The same feature in another dictionary of the same model: of another seed, size or site. Two measures: the cosine of decoder
// rows, where both write into vectors of one width; and how alike the two fire on the contexts where the first is strongest,
//   Σₜ a(t)·b(t) / √(Σₜ a(t)²·Σₜ b(t)²)
// over the tokens t of those contexts, special tokens left out.
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { checkFeatures } from '../dictionaries/encoderGraph.ts';
import type { Model } from '../models/model.ts';
import { tokenTensor } from '../models/tokenBatch.ts';
import { buildVariant } from '../models/variant.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { nearestRows, unitRows } from './decoderNeighbours.ts';
import { FeatureEncoder, Firings } from './featureEncoder.ts';

/** A feature, and contexts of equal length in which it is strong; none: it is compared by its decoder row alone. */
export interface SoughtFeature {
  readonly feature: number;
  readonly contexts: readonly (readonly number[])[];
}

export interface FeatureMatch {
  readonly feature: number;
  /** Null where the decoder rows have different widths. */
  readonly cosine: number | null;
  /** Null without contexts. */
  readonly shared: number | null;
}

export interface MatchOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  readonly dictionary: Dictionary;
  readonly other: Dictionary;
  /** How many of the nearest by each measure. */
  readonly count: number;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
}

/**
 * For each feature its nearest of the other dictionary, by cosine and then by shared examples.
 * @throws AppError `mismatch` for a dictionary of another model, `usage` for a feature that there is not, `cancelled`.
 */
export async function matchFeatures(
  sought: readonly SoughtFeature[],
  options: MatchOptions,
): Promise<readonly (readonly FeatureMatch[])[]> {
  const { runtime, model, dictionary, other, signal, onWork } = options;
  const hash = await model.hash();
  for (const { modelHash, site } of [dictionary, other]) {
    if (modelHash === '' || modelHash === hash) continue;
    throw new AppError('mismatch', `The dictionary of ${site} was trained on another model than ${model.folder}.`);
  }
  const features = sought.map(({ feature }) => feature);
  checkFeatures(dictionary, features);
  const count = Math.min(options.count, other.size);
  const { d } = dictionary;
  const isOneWidth = d === other.d;
  const unit = unitRows(gathered(dictionary, features), d);
  const among = isOneWidth ? unitRows(other.decoder, d) : new Float32Array(0);
  const near =
    isOneWidth && features.length > 0
      ? await nearestRows(unit, among, { width: d, count }, { runtime, signal, onWork })
      : null;
  const shared = await sharedFirings(sought, options);
  return sought.map((_, row) => {
    const likeness = shared[row] ?? null;
    const candidates = new Set<number>(near?.features.subarray(row * count, (row + 1) * count));
    for (const feature of strongest(likeness, count)) candidates.add(feature);
    const cosine = (feature: number) => {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += unit[row * d + j]! * among[feature * d + j]!;
      return sum;
    };
    return [...candidates]
      .map((feature) => ({
        feature,
        cosine: isOneWidth ? cosine(feature) : null,
        shared: likeness?.[feature] ?? null,
      }))
      .sort((a, b) => (b.cosine ?? 0) - (a.cosine ?? 0) || (b.shared ?? 0) - (a.shared ?? 0) || a.feature - b.feature);
  });
}

function gathered({ d, decoder }: Dictionary, features: readonly number[]): Float32Array {
  const rows = new Float32Array(features.length * d);
  for (const [row, feature] of features.entries()) {
    rows.set(decoder.subarray(feature * d, (feature + 1) * d), row * d);
  }
  return rows;
}

function strongest(likeness: Float64Array | null, count: number): number[] {
  if (!likeness) return [];
  const found = [...likeness.keys()].filter((feature) => likeness[feature]! > 0);
  return found.sort((a, b) => likeness[b]! - likeness[a]! || a - b).slice(0, count);
}

/** For each feature the likeness of every feature of the other dictionary; null for one without contexts. */
async function sharedFirings(
  sought: readonly SoughtFeature[],
  { runtime, model, dictionary, other, signal, onWork }: MatchOptions,
): Promise<(Float64Array | null)[]> {
  if (sought.every(({ contexts }) => contexts.length === 0)) return sought.map(() => null);
  const tokenizer = await model.tokenizer();
  const sites = [...new Set([dictionary.site, other.site])];
  const session = await runtime.createSession(buildVariant(model, { taps: sites }), {
    weightsFolder: model.weightsFolder,
  });
  const encoders = [await FeatureEncoder.open(runtime, dictionary), await FeatureEncoder.open(runtime, other)] as const;
  const result: (Float64Array | null)[] = [];
  try {
    for (const { feature, contexts } of sought) {
      if (contexts.length === 0) {
        result.push(null);
        continue;
      }
      const products = new Float64Array(other.size);
      const squares = new Float64Array(other.size);
      let ownSquares = 0;
      for (const ids of contexts) {
        signal?.throwIfAborted();
        const isLeftOut = Uint8Array.from(ids, (id) => (tokenizer.isSpecial(id) ? 1 : 0));
        const taps = await session.run({ input_ids: tokenTensor([ids], 'right') });
        const rowsOf = (site: string) => {
          const rows = taps[site]?.data;
          if (rows instanceof Float32Array) return rows;
          throw new AppError('internal', 'The engine gave no activations.');
        };
        const own = new Float64Array(ids.length);
        const fired = await firingsOf(encoders[0], rowsOf(dictionary.site), isLeftOut);
        for (let entry = 0; entry < fired.count; entry++) {
          if (fired.features[entry] === feature) own[fired.rows[entry]!] = fired.values[entry]!;
        }
        for (const value of own) ownSquares += value * value;
        const others = await firingsOf(encoders[1], rowsOf(other.site), isLeftOut);
        for (let entry = 0; entry < others.count; entry++) {
          const [of, value] = [others.features[entry]!, others.values[entry]!];
          products[of]! += own[others.rows[entry]!]! * value;
          squares[of]! += value * value;
        }
      }
      result.push(products.map((product, of) => (product === 0 ? 0 : product / Math.sqrt(ownSquares * squares[of]!))));
      onWork?.({ stage: 'Comparing examples', done: result.length, total: sought.length, unit: 'features' });
    }
  } finally {
    await session.release();
    for (const encoder of encoders) await encoder.release();
  }
  return result;
}

async function firingsOf(encoder: FeatureEncoder, x: Float32Array, isLeftOut: Uint8Array): Promise<Firings> {
  const firings = new Firings();
  const { d } = encoder.dictionary;
  for (let first = 0; first * d < x.length; first += encoder.positionsPerRun) {
    const end = Math.min(x.length / d, first + encoder.positionsPerRun);
    firings.add(await encoder.encode(x.slice(first * d, end * d)), end - first, first, isLeftOut);
  }
  return firings;
}
