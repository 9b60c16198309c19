// Qwen 3 with mixtures of experts (Yang et al. 2025): Qwen 3 in which some blocks have experts.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import { qwenMixture } from '../qwenMixture.ts';
import type { Weights } from '../weights.ts';

export function qwen3Moe(fields: ConfigFields, weights: Weights): Architecture {
  const hasAttentionBias = fields.boolean('attention_bias', false);
  const slides = fields.boolean('use_sliding_window', false);
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 32768),
    rmsEpsilon: 1e-6,
    hasQkvBias: hasAttentionBias,
    hasOutputBias: hasAttentionBias,
    hasMlpBias: false,
    queryNorm: 'head',
    windows: sameWindow(fields, slides ? fields.sizeOrNone('sliding_window', 4096) : null),
    mixture: qwenMixture(fields, { experts: 128, width: 768 }),
  });
}
