// Qwen 3 (Yang et al. 2025): Llama with RMSNorm over each head of the queries and keys, and heads of their own width.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily } from '../llamaFamily.ts';
import type { Weights } from '../weights.ts';
import { qwenWindows } from './qwen2.ts';

export function qwen3(fields: ConfigFields, weights: Weights): Architecture {
  const hasAttentionBias = fields.boolean('attention_bias', false);
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 32768),
    rmsEpsilon: 1e-6,
    headDim: 128,
    hasQkvBias: hasAttentionBias,
    hasOutputBias: hasAttentionBias,
    hasMlpBias: false,
    queryNorm: 'head',
    windows: qwenWindows(fields),
  });
}
