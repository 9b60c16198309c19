// OLMo 2 (OLMo team 2025): Llama with RMSNorm after each half in place of before, and over all queries and all keys.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import type { Weights } from '../weights.ts';

export function olmo2(fields: ConfigFields, weights: Weights): Architecture {
  const hasAttentionBias = fields.boolean('attention_bias', false);
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 2048),
    placement: 'after',
    queryNorm: 'projection',
    rmsEpsilon: 1e-5,
    hasQkvBias: hasAttentionBias,
    hasOutputBias: hasAttentionBias,
    hasMlpBias: false,
    windows: sameWindow(fields, null),
  });
}
