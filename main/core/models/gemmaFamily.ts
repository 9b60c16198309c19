// The block shared by Gemma 2 and 3: RMSNorm (weights stored less 1) before and after each half, grouped-query heads, local
// blocks with a sliding window between global ones, an embedding multiplied by √hiddenSize. What differs is said by
// GemmaOptions.
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { Architecture } from './architecture.ts';
import { attention, splitHeads } from './attention.ts';
import { checkHeadGroups, commonConfig, type ConfigFields, type ModelConfig } from './config.ts';
import { decoder } from './decoder.ts';
import { gatedFeedForward, readActivation } from './feedForward.ts';
import type { ModelGraph } from './modelGraph.ts';
import { rmsNormalization } from './normalization.ts';
import type { Rotary } from './rotary.ts';
import type { Weights } from './weights.ts';

export type GemmaLayerType = 'full_attention' | 'sliding_attention';

export interface GemmaOptions {
  readonly contextLength: number;
  readonly headDim: number;
  readonly layerTypes: readonly GemmaLayerType[];
  readonly window: number;
  readonly rotaries: Readonly<Record<GemmaLayerType, Rotary>>;
  /** RMSNorm over each head of the queries and keys (Gemma 3). */
  readonly normalizesHeads: boolean;
  readonly attentionSoftcap: number | null;
  readonly logitSoftcap: number | null;
  /** The language model of one that also sees: what its modules and tensors begin with. */
  readonly within?: { readonly module: string; readonly tensors: readonly string[] };
}

export function gemmaFamily(fields: ConfigFields, weights: Weights, options: GemmaOptions): Architecture {
  const { headDim, contextLength, layerTypes, rotaries, normalizesHeads, attentionSoftcap, logitSoftcap } = options;
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const keyValueHeads = fields.size('num_key_value_heads', heads);
  checkHeadGroups(fields, heads, keyValueHeads);
  const config: ModelConfig = {
    ...commonConfig(fields),
    hiddenSize,
    layers: layerTypes.length,
    heads,
    keyValueHeads,
    headDim,
    intermediateSize: fields.size('intermediate_size'),
    contextLength,
    residual: 'sequential',
  };
  const { intermediateSize } = config;
  const activation = readActivation(fields, 'hidden_activation', 'gelu_pytorch_tanh');
  const epsilon = fields.positive('rms_norm_eps', 1e-6);
  const scale = fields.positive('query_pre_attn_scalar', 256) ** -0.5;
  const hasAttentionBias = fields.boolean('attention_bias', false);
  const isTied = fields.boolean('tie_word_embeddings', true);
  const head =
    ['language_model.lm_head.weight', 'lm_head.weight'].find((name) => weights.has(name)) ?? 'lm_head.weight';
  const prefix = weights.prefix(options.within?.tensors ?? ['model.', ''], 'embed_tokens.weight');

  function block(model: ModelGraph, index: number, x: Value): Value {
    const weight = (name: string, ...shape: number[]) => model.weight(`${prefix}layers.${index}.${name}`, shape);
    const norm = (name: string, size = hiddenSize) => rmsNormalization(weight(`${name}.weight`, size), epsilon, 1);
    const site = (name: string, value: Value) => model.site(`blocks.${index}.${name}`, value);
    const linear = (input: Value, name: string, from: number, to: number) =>
      op.linear(
        input,
        weight(`self_attn.${name}.weight`, to, from),
        hasAttentionBias ? weight(`self_attn.${name}.bias`, to) : null,
      );

    const before = site('hook_resid_pre', x);
    const input = norm('input_layernorm').apply(before);
    const project = (name: string, count: number) =>
      splitHeads(linear(input, name, hiddenSize, count * headDim), count, headDim);
    const headNorm = (name: string) =>
      normalizesHeads ? (value: Value) => norm(`self_attn.${name}`, headDim).apply(value) : null;
    const layerType = layerTypes[index] ?? 'full_attention';
    const z = attention(
      model,
      index,
      {
        query: project('q_proj', heads),
        key: project('k_proj', keyValueHeads),
        value: project('v_proj', keyValueHeads),
      },
      {
        scale,
        rotary: rotaries[layerType],
        window: layerType === 'sliding_attention' ? options.window : null,
        softcap: attentionSoftcap,
        normalizeQuery: headNorm('q_norm'),
        normalizeKey: headNorm('k_norm'),
      },
    );
    // As TransformerLens has it, the sites of what a half writes come after its second norm.
    const attended = norm('post_attention_layernorm').apply(linear(z, 'o_proj', heads * headDim, hiddenSize));
    const middle = site('hook_resid_mid', op.add(before, site('hook_attn_out', attended)));

    const ln2 = norm('pre_feedforward_layernorm');
    const normalized = site('ln2.hook_normalized', ln2.normalize(middle));
    const output = gatedFeedForward(model, index, ln2.scale(normalized), {
      activation,
      gate: { weight: weight('mlp.gate_proj.weight', intermediateSize, hiddenSize) },
      up: { weight: weight('mlp.up_proj.weight', intermediateSize, hiddenSize) },
      down: { weight: weight('mlp.down_proj.weight', hiddenSize, intermediateSize) },
    });
    const written = norm('post_feedforward_layernorm').apply(output);
    return site('hook_resid_post', op.add(middle, site('hook_mlp_out', written)));
  }

  // The embedding is scaled in no module; what a half writes comes out of its second norm.
  const normAfter = () => ({ bias: null, covers: 'write' as const });
  return decoder({
    config,
    names: {
      prefix: { here: prefix, canonical: options.within?.module ?? 'model.' },
      embedding: 'embed_tokens',
      embeddingModule: null,
      positions: null,
      blocks: 'layers',
      attention: { name: 'self_attn.o_proj', hasBias: false, module: 'post_attention_layernorm', normAfter },
      mlp: { name: 'mlp.down_proj', hasBias: false, module: 'post_feedforward_layernorm', normAfter },
      streamAxis: 0,
      head: { sharesEmbedding: isTied, weight: head },
    },
    block,
    lastNorm: (model) => rmsNormalization(model.weight(`${prefix}norm.weight`, [hiddenSize]), epsilon, 1),
    embeddingScale: Math.sqrt(hiddenSize),
    logitSoftcap,
  });
}

/** `layer_types`, or, in older configs, every `pattern`-th block global and the others local. */
export function readLayerTypes(fields: ConfigFields, pattern: number): GemmaLayerType[] {
  const layers = fields.layers('num_hidden_layers');
  const types = fields.perLayer<GemmaLayerType>('layer_types', layers, ['full_attention', 'sliding_attention']);
  if (types) return [...types];
  return Array.from({ length: layers }, (_, block) =>
    (block + 1) % pattern === 0 ? 'full_attention' : 'sliding_attention',
  );
}

/** Refuses what these models are text decoders without. */
export function refuseBidirectional(fields: ConfigFields): void {
  if (!fields.boolean('use_bidirectional_attention', false)) return;
  throw fields.error('unsupported', 'a Gemma that looks ahead (use_bidirectional_attention) is not a language model.');
}
