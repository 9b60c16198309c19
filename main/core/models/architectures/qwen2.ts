// Qwen 2 and 2.5 (Yang et al. 2024): Llama with a bias on queries, keys and values; in some sizes a sliding window from a
// given block on.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily } from '../llamaFamily.ts';
import type { Weights } from '../weights.ts';

export function qwen2(fields: ConfigFields, weights: Weights): Architecture {
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 32768),
    rmsEpsilon: 1e-6,
    hasQkvBias: true,
    hasOutputBias: false,
    hasMlpBias: false,
    windows: qwenWindows(fields),
  });
}

/** `layer_types` says it per block; older configs slide from block `max_window_layers` on. Both need `use_sliding_window`. */
export function qwenWindows(fields: ConfigFields): (number | null)[] {
  const layers = fields.layers('num_hidden_layers');
  const none = Array.from({ length: layers }, () => null);
  if (!fields.boolean('use_sliding_window', false) || !fields.has('sliding_window')) return none;
  const window = fields.size('sliding_window');
  const types = fields.perLayer('layer_types', layers, ['full_attention', 'sliding_attention']);
  if (types) return types.map((type) => (type === 'sliding_attention' ? window : null));
  const first = fields.number('max_window_layers', 28);
  return none.map((_, block) => (block >= first ? window : null));
}
