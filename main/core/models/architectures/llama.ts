// Llama 1, 2 and 3 (Touvron et al. 2023; Llama 3's stretched rotary frequencies are in rotary.ts), and the many models
// published in its form.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import type { Weights } from '../weights.ts';

export function llama(fields: ConfigFields, weights: Weights): Architecture {
  const hasAttentionBias = fields.boolean('attention_bias', false);
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 2048),
    rmsEpsilon: 1e-6,
    hasQkvBias: hasAttentionBias,
    hasOutputBias: hasAttentionBias,
    hasMlpBias: fields.boolean('mlp_bias', false),
    windows: sameWindow(fields, null),
  });
}
