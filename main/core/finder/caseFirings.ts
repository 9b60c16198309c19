// Where the features of a dictionary fire in the texts of cases.
import { AppError } from '../../contract/base/errors.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { FeatureEncoder, Firings } from '../features/featureEncoder.ts';
import type { Model } from '../models/model.ts';
import { checkTokens } from '../models/modelInput.ts';
import { tokenTensor } from '../models/tokenBatch.ts';
import { buildVariant } from '../models/variant.ts';
import type { Runtime } from '../onnx/runtime.ts';

/** Entry e: features[e] has the activation values[e] > 0 at token positions[e] of the text. */
export interface CaseFirings {
  readonly tokens: number;
  readonly positions: Int32Array;
  readonly features: Int32Array;
  readonly values: Float32Array;
}

export interface EncodeOptions {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly dictionary: Dictionary;
  /** Where the dictionary is read: its own site. */
  readonly site: string;
  readonly signal?: AbortSignal | undefined;
  readonly onTexts?: ((done: number) => void) | undefined;
}

const TOKENS_PER_RUN = 4096;

/** In the order of the texts. @throws AppError `cancelled`, `usage`, `unknown-site`. */
export async function encodeTexts(
  { model, runtime, dictionary, site, signal, onTexts }: EncodeOptions,
  texts: readonly (readonly number[])[],
): Promise<CaseFirings[]> {
  checkTokens(model.config, texts);
  const session = await runtime.createSession(buildVariant(model, { taps: [site] }), {
    weightsFolder: model.weightsFolder,
  });
  const encoder = await FeatureEncoder.open(runtime, dictionary);
  try {
    const results: CaseFirings[] = [];
    let done = 0;
    for (const batch of batchesOf(texts)) {
      if (signal?.aborted) throw new AppError('cancelled', 'The search was cancelled.');
      const rows = batch.map((index) => texts[index] ?? []);
      const output = (await session.run({ input_ids: tokenTensor(rows, 'right') }))[site];
      const [, width = 0] = output?.dims ?? [];
      if (!(output?.data instanceof Float32Array)) throw new AppError('internal', 'The engine gave no activations.');
      for (const [row, index] of batch.entries()) {
        const ids = rows[row] ?? [];
        const start = row * width * dictionary.d;
        const x = output.data.subarray(start, start + ids.length * dictionary.d);
        results[index] = await firingsIn(encoder, x);
      }
      done += batch.length;
      onTexts?.(done);
    }
    return results;
  } finally {
    await Promise.all([session.release(), encoder.release()]);
  }
}

/** Those at some of the tokens. */
export function firingsAt(
  { tokens, positions, features, values }: CaseFirings,
  isWanted: (position: number) => boolean,
): CaseFirings {
  const isThere = (_: number, entry: number) => isWanted(positions[entry] ?? -1);
  return {
    tokens,
    positions: positions.filter(isThere),
    features: features.filter(isThere),
    values: values.filter(isThere),
  };
}

/** @param x `[positions, d]` */
async function firingsIn(encoder: FeatureEncoder, x: Float32Array): Promise<CaseFirings> {
  const { d } = encoder.dictionary;
  const tokens = x.length / d;
  const firings = new Firings();
  const nothing = new Uint8Array(tokens);
  for (let first = 0; first < tokens; first += encoder.positionsPerRun) {
    const rows = x.slice(first * d, (first + encoder.positionsPerRun) * d);
    firings.add(await encoder.encode(rows), rows.length / d, first, nothing);
  }
  return {
    tokens,
    positions: firings.rows.slice(0, firings.count),
    features: firings.features.slice(0, firings.count),
    values: firings.values.slice(0, firings.count),
  };
}

/** Indices of the texts, those of like length together. */
function batchesOf(texts: readonly (readonly number[])[]): number[][] {
  const lengthOf = (index: number) => texts[index]?.length ?? 0;
  const batches: number[][] = [];
  for (const index of [...texts.keys()].sort((a, b) => lengthOf(a) - lengthOf(b))) {
    const open = batches.at(-1);
    if (open && (open.length + 1) * lengthOf(index) <= TOKENS_PER_RUN) open.push(index);
    else batches.push([index]);
  }
  return batches;
}
