// Granite 3 (IBM 2024): Llama with four factors in place of the usual scales, of the embedding, the scores, what each half adds,
// and the logits.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import type { Weights } from '../weights.ts';

export function granite(fields: ConfigFields, weights: Weights): Architecture {
  const hasAttentionBias = fields.boolean('attention_bias', false);
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 2048),
    rmsEpsilon: 1e-6,
    hasQkvBias: hasAttentionBias,
    hasOutputBias: hasAttentionBias,
    hasMlpBias: fields.boolean('mlp_bias', false),
    windows: sameWindow(fields, null),
    multipliers: {
      embedding: fields.positive('embedding_multiplier', 1),
      attention: fields.positive('attention_multiplier', 1),
      residual: fields.positive('residual_multiplier', 1),
      logitsDivisor: fields.positive('logits_scaling', 1),
    },
  });
}
