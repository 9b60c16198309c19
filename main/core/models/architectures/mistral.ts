// Mistral 7B (Jiang et al. 2023): Llama with a sliding window in every block.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import type { Weights } from '../weights.ts';

export function mistral(fields: ConfigFields, weights: Weights): Architecture {
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 4096 * 32),
    rmsEpsilon: 1e-6,
    hasQkvBias: false,
    hasOutputBias: false,
    hasMlpBias: false,
    windows: sameWindow(fields, fields.sizeOrNone('sliding_window', 4096)),
  });
}
