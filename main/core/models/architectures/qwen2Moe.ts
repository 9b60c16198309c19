// Qwen 1.5 and 2 with mixtures of experts (Qwen team 2024): Qwen 2 in which some blocks have experts, and one more that every token
// goes through.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily } from '../llamaFamily.ts';
import { qwenMixture } from '../qwenMixture.ts';
import type { Weights } from '../weights.ts';
import { qwenWindows } from './qwen2.ts';

export function qwen2Moe(fields: ConfigFields, weights: Weights): Architecture {
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 32768),
    rmsEpsilon: 1e-6,
    hasQkvBias: fields.boolean('qkv_bias', true),
    hasOutputBias: false,
    hasMlpBias: false,
    windows: qwenWindows(fields),
    mixture: {
      ...qwenMixture(fields, { experts: 60, width: 1408 }),
      sharedWidth: fields.size('shared_expert_intermediate_size', 5632),
    },
  });
}
