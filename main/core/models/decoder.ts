// What stands around the blocks of a decoder: the token embedding, learned positions where there are any, the last norm, and the
// vocabulary product, which shares the embedding's weights where they are tied.
import * as op from '../onnx/ops.ts';
import type { Value } from '../onnx/graph.ts';
import type { Architecture } from './architecture.ts';
import type { ModelConfig } from './config.ts';
import type { ModelGraph } from './modelGraph.ts';
import { partsNamed, type NamedParts } from './namedParts.ts';
import type { Normalization } from './normalization.ts';

export interface Decoder {
  readonly config: ModelConfig;
  readonly names: Omit<NamedParts, 'layers'>;
  /** Multiplies the embedding before the site `hook_embed`. */
  readonly embeddingScale?: number;
  block(model: ModelGraph, index: number, x: Value): Value;
  lastNorm(model: ModelGraph): Normalization;
  /** Tensor of a bias on the vocabulary product. */
  readonly headBias?: string;
  /** cap·tanh(logits/cap); null or left out: the logits as they are. */
  readonly logitSoftcap?: number | null;
  /** Divides the logits (Granite). */
  readonly logitsDivisor?: number;
}

/** @returns the architecture whose graph is: tokens → embedding (+ positions) → blocks → last norm → vocabulary product. */
export function decoder(parts: Decoder): Architecture {
  const { config, names, embeddingScale = 1, headBias, logitSoftcap = null, logitsDivisor = 1 } = parts;
  const { hiddenSize, vocabularySize, contextLength } = config;
  const { here } = names.prefix;
  return {
    config,
    ...partsNamed({ ...names, layers: config.layers }),
    build(model) {
      const table = (name: string, rows: number) => model.weight(`${here}${name}.weight`, [rows, hiddenSize]);
      const embedding = table(names.embedding, vocabularySize);
      const words = op.gather(embedding, model.tokens);
      const embedded = model.site('hook_embed', embeddingScale === 1 ? words : op.mul(words, embeddingScale));
      const first =
        names.positions === null
          ? embedded
          : op.add(embedded, model.positionEmbedding(table(names.positions, contextLength)));
      const x = model.blocks(first, (index, value) => parts.block(model, index, value));
      const hidden = parts.lastNorm(model).apply(x);
      const { sharesEmbedding, weight } = names.head;
      const head = sharesEmbedding ? embedding : model.weight(weight, [vocabularySize, hiddenSize]);
      const bias = headBias === undefined ? null : model.weight(headBias, [vocabularySize]);
      const logits = (from: Value) => {
        const product = op.linear(from, head, bias);
        const raw = logitsDivisor === 1 ? product : op.div(product, logitsDivisor);
        return logitSoftcap === null ? raw : op.mul(op.tanh(op.div(raw, logitSoftcap)), logitSoftcap);
      };
      return { hidden, logits };
    },
  };
}
