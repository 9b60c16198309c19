// Phi 3 and 4 (Abdin et al. 2024): Llama with one product for queries, keys and values and one for gate and up, LongRoPE, and in
// Phi 4 mini a part of each head turning with position.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import type { Weights } from '../weights.ts';

export function phi3(fields: ConfigFields, weights: Weights): Architecture {
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 4096),
    isFused: true,
    rmsEpsilon: 1e-5,
    hasQkvBias: false,
    hasOutputBias: false,
    hasMlpBias: false,
    windows: sameWindow(fields, fields.sizeOrNone('sliding_window', null)),
  });
}
