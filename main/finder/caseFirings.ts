// Where the features of a dictionary fire in the prompts of cases. Positions of BOS are left out, as in training.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../contract/errors.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { FeatureEncoder, Firings } from '../features/featureEncoder.ts';
import type { Model } from '../models/model.ts';
import { checkTokens } from '../models/modelInput.ts';
import { buildVariant } from '../models/variant.ts';
import type { Runtime } from '../onnx/runtime.ts';

/** Entry e: features[e] has the activation values[e] > 0 at token positions[e] of the prompt. */
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
}

/** In the order of the prompts. @throws AppError `cancelled`, `usage`, `unknown-site`. */
export async function encodePrompts(
  { model, runtime, dictionary, site, signal }: EncodeOptions,
  prompts: readonly (readonly number[])[],
): Promise<CaseFirings[]> {
  checkTokens(model.config, prompts);
  const session = await runtime.createSession(buildVariant(model, { taps: [site] }), {
    weightsFolder: model.weightsFolder,
  });
  const encoder = await FeatureEncoder.open(runtime, dictionary);
  const { bosTokenId } = model.config;
  try {
    const results: CaseFirings[] = [];
    for (const prompt of prompts) {
      if (signal?.aborted) throw new AppError('cancelled', 'The search was cancelled.');
      const outputs = await session.run({
        input_ids: new Tensor('int64', BigInt64Array.from(prompt, BigInt), [1, prompt.length]),
      });
      const x = outputs[site]?.data;
      if (!(x instanceof Float32Array)) throw new AppError('internal', 'The engine gave no activations.');
      const isLeftOut = Uint8Array.from(prompt, (id, position) => (position === 0 || id === bosTokenId ? 1 : 0));
      const firings = new Firings();
      for (let first = 0; first < prompt.length; first += encoder.positionsPerRun) {
        const count = Math.min(encoder.positionsPerRun, prompt.length - first);
        const rows = x.subarray(first * dictionary.d, (first + count) * dictionary.d);
        firings.add(await encoder.encode(rows), count, first, isLeftOut);
      }
      results.push({
        tokens: prompt.length,
        positions: firings.rows.slice(0, firings.count),
        features: firings.features.slice(0, firings.count),
        values: firings.values.slice(0, firings.count),
      });
    }
    return results;
  } finally {
    await Promise.all([session.release(), encoder.release()]);
  }
}
