// Gemma 3, text only (Gemma Team 2025): normalised queries and keys instead of soft-capping, and rotary positions with one
// base for local blocks and another for global ones.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { gemmaFamily, readLayerTypes, refuseBidirectional, type GemmaOptions } from '../gemmaFamily.ts';
import { plainRotary, readRotary } from '../rotary.ts';
import type { Weights } from '../weights.ts';

/** What config.json leaves out of the language model of the larger ones, which also see (google/gemma-3-4b and up). */
const USUAL = { vocab_size: 262_208, num_attention_heads: 8, num_key_value_heads: 4, head_dim: 256 };
const WITHIN = {
  module: 'model.language_model.',
  tensors: ['language_model.model.', 'model.language_model.', 'language_model.'],
};

/** The language model of a Gemma 3 that also sees. */
export function gemma3Text(fields: ConfigFields, weights: Weights): Architecture {
  const text = fields.object('text_config');
  if (text === undefined) throw fields.error('invalid-file', '"text_config" is missing.');
  const shared = ['bos_token_id', 'eos_token_id', 'tie_word_embeddings'].map(
    (name) => [name, fields.value(name)] as const,
  );
  const known = Object.fromEntries(shared.filter(([, value]) => value !== undefined));
  return gemma3(text.completed({ ...USUAL, ...known }), weights, WITHIN);
}

export function gemma3(fields: ConfigFields, weights: Weights, within?: GemmaOptions['within']): Architecture {
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
    ...(within === undefined ? {} : { within }),
  });
}
