// Gemma 2 (Gemma Team 2024): soft-capped scores and logits, local and global blocks in turn.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { gemmaFamily, readLayerTypes, refuseBidirectional } from '../gemmaFamily.ts';
import { readRotary } from '../rotary.ts';
import type { Weights } from '../weights.ts';

export function gemma2(fields: ConfigFields, weights: Weights): Architecture {
  refuseBidirectional(fields);
  const contextLength = fields.size('max_position_embeddings', 8192);
  const headDim = fields.size('head_dim', 256);
  const rotary = readRotary(fields, { headDim, contextLength });
  return gemmaFamily(fields, weights, {
    contextLength,
    headDim,
    layerTypes: readLayerTypes(fields, 2),
    window: fields.size('sliding_window', 4096),
    rotaries: { full_attention: rotary, sliding_attention: rotary },
    normalizesHeads: false,
    attentionSoftcap: fields.positiveOrNone('attn_logit_softcapping', 50),
    logitSoftcap: fields.positiveOrNone('final_logit_softcapping', 30),
  });
}
