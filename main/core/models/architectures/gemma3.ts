// Gemma 3, text only (Gemma Team 2025): normalised queries and keys instead of soft-capping, and rotary positions with one
// base for local blocks and another for global ones.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { gemmaFamily, readLayerTypes, refuseBidirectional } from '../gemmaFamily.ts';
import { plainRotary, readRotary } from '../rotary.ts';
import type { Weights } from '../weights.ts';

export function gemma3(fields: ConfigFields, weights: Weights): Architecture {
  refuseBidirectional(fields);
  const contextLength = fields.size('max_position_embeddings', 131_072);
  const headDim = fields.size('head_dim', 256);
  const defaults = { headDim, contextLength, theta: 1_000_000 };
  const pattern = fields.has('sliding_window_pattern') ? 'sliding_window_pattern' : '_sliding_window_pattern';
  return gemmaFamily(fields, weights, {
    contextLength,
    headDim,
    layerTypes: readLayerTypes(fields, fields.size(pattern, 6)),
    window: fields.size('sliding_window', 4096),
    rotaries: {
      full_attention: readRotary(fields, defaults, 'full_attention'),
      // Before transformers 5, local blocks had a base of their own and were never stretched.
      sliding_attention: fields.has('rope_parameters')
        ? readRotary(fields, { ...defaults, theta: 10_000 }, 'sliding_attention')
        : plainRotary(fields, fields.positive('rope_local_base_freq', 10_000), defaults),
    },
    normalizesHeads: true,
    attentionSoftcap: fields.positiveOrNone('attn_logit_softcapping', null),
    logitSoftcap: fields.positiveOrNone('final_logit_softcapping', null),
  });
}
