// OLMo (Groeneveld et al. 2024): Llama with LayerNorm that has no weights, and in the 7B model queries, keys and values cut off.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import type { Weights } from '../weights.ts';

export function olmo(fields: ConfigFields, weights: Weights): Architecture {
  const hasAttentionBias = fields.boolean('attention_bias', false);
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 2048),
    norm: 'plain layer',
    rmsEpsilon: 1e-5,
    clip: fields.positiveOrNone('clip_qkv', null),
    hasQkvBias: hasAttentionBias,
    hasOutputBias: hasAttentionBias,
    hasMlpBias: false,
    windows: sameWindow(fields, null),
  });
}
