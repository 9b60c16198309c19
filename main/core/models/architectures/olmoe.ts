// OLMoE (Muennighoff et al. 2024): Llama with RMSNorm over all heads of the queries and keys together, and a mixture of experts
// in every block.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import { qwenMixture } from '../qwenMixture.ts';
import type { Weights } from '../weights.ts';

export function olmoe(fields: ConfigFields, weights: Weights): Architecture {
  const hasAttentionBias = fields.boolean('attention_bias', false);
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 4096),
    rmsEpsilon: 1e-5,
    hasQkvBias: hasAttentionBias,
    hasOutputBias: hasAttentionBias,
    hasMlpBias: false,
    queryNorm: 'projection',
    clip: fields.positiveOrNone('clip_qkv', null),
    windows: sameWindow(fields, null),
    mixture: qwenMixture(fields, { experts: 64, width: fields.size('intermediate_size') }),
  });
}
