// Where the activations of a text come from: read from a store that was captured before, or computed by the model as they are
// needed. Either way whole contexts, in order.
import { Tensor } from 'onnxruntime-common';
import type { ContextFile } from '../activations/packing.ts';
import type { ActivationStore } from '../activations/store.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { Model } from '../models/model.ts';
import { checkTokens } from '../models/modelInput.ts';
import { findSite } from '../models/sites.ts';
import { buildVariant } from '../models/variant.ts';
import type { Runtime } from '../onnx/runtime.ts';

export interface ContextBatch {
  /** `[contexts, contextLength]` */
  readonly tokens: Int32Array;
  /** `[contexts · contextLength, d]` */
  readonly values: Float32Array;
}

export interface TextSource {
  readonly contexts: number;
  readonly contextLength: number;
  readonly bosTokenId: number | null;
  read(first: number, count: number): Promise<ContextBatch>;
  close(): Promise<void>;
}

/** @param maxContexts stop after so many */
export function storeSource(store: ActivationStore, maxContexts = Infinity): TextSource {
  const { contexts, contextLength, bosTokenId } = store.manifest;
  return {
    contexts: Math.min(contexts, maxContexts),
    contextLength,
    bosTokenId,
    read: async (first, count) => {
      const [tokens, values] = await Promise.all([
        store.contexts.read(first, count),
        store.readRows(first * contextLength, count * contextLength),
      ]);
      return { tokens, values };
    },
    close: () => store.close(),
  };
}

/** @throws AppError `unknown-site`. Closing closes the file of contexts too. */
export async function modelSource(
  model: Model,
  runtime: Runtime,
  site: string,
  contexts: ContextFile,
  bosTokenId: number | null,
): Promise<TextSource> {
  const { width } = findSite(model.sites, site);
  const { contextLength } = contexts;
  const session = await runtime.createSession(buildVariant(model, { taps: [site] }), {
    weightsFolder: model.weightsFolder,
  });
  return {
    contexts: contexts.contexts,
    contextLength,
    bosTokenId,
    read: async (first, count) => {
      const tokens = await contexts.read(first, count);
      checkTokens(
        model.config,
        Array.from({ length: count }, (_, row) => tokens.subarray(row * contextLength, (row + 1) * contextLength)),
      );
      const ids = new Tensor('int64', BigInt64Array.from(tokens, BigInt), [count, contextLength]);
      const values = (await session.run({ input_ids: ids }))[site]?.data;
      if (values instanceof Float32Array && values.length === tokens.length * width) return { tokens, values };
      throw new AppError('internal', `The engine gave no activations at ${site}.`);
    },
    close: async () => {
      await session.release();
      await contexts.close();
    },
  };
}
