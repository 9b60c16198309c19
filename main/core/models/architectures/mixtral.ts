// Mixtral (Jiang et al. 2024): Mistral with a mixture of experts in every block.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import { readExperts } from '../mixture.ts';
import type { Weights } from '../weights.ts';

export function mixtral(fields: ConfigFields, weights: Weights): Architecture {
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 4096 * 32),
    theta: 1e6,
    rmsEpsilon: 1e-5,
    hasQkvBias: false,
    hasOutputBias: false,
    hasMlpBias: false,
    windows: sameWindow(fields, fields.sizeOrNone('sliding_window', null)),
    mixture: {
      ...readExperts(fields, ['num_local_experts', 'num_experts'], 8),
      blocks: Array.from({ length: fields.layers('num_hidden_layers') }, (_, block) => block),
      width: fields.size('intermediate_size'),
      isNormalized: true,
      names: {
        router: 'block_sparse_moe.gate',
        experts: 'block_sparse_moe.experts',
        products: ['w1', 'w3', 'w2'],
      },
    },
  });
}
