// StableLM (Bellagente et al. 2024): Llama with LayerNorm, a quarter of each head turning with position; in the 12B model both
// halves in parallel, and LayerNorm with weights of its own for each head of the queries and keys.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import type { Weights } from '../weights.ts';

export function stableLm(fields: ConfigFields, weights: Weights): Architecture {
  const isParallel = fields.boolean('use_parallel_residual', false);
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 4096),
    norm: 'layer',
    rmsEpsilon: 1e-5,
    partialFactor: 0.25,
    ...(isParallel ? { placement: 'parallel' as const } : {}),
    ...(fields.boolean('qk_layernorm', false) ? { queryNorm: 'layer per head' as const } : {}),
    hasQkvBias: fields.boolean('use_qkv_bias', false),
    hasOutputBias: false,
    hasMlpBias: false,
    windows: sameWindow(fields, null),
  });
}
