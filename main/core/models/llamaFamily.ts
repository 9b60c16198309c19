// The block shared by Llama, Mistral and Qwen: RMSNorm before each half, separate products for queries, keys and values,
// grouped-query heads, rotary positions, a gated feed-forward layer. What differs is said by LlamaOptions.
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { Architecture } from './architecture.ts';
import { attention, splitHeads } from './attention.ts';
import { checkHeadGroups, commonConfig, sharedHeadDim, type ConfigFields, type ModelConfig } from './config.ts';
import { decoder } from './decoder.ts';
import { gatedFeedForward, readActivation } from './feedForward.ts';
import type { ModelGraph } from './modelGraph.ts';
import { rmsNormalization } from './normalization.ts';
import { readRotary } from './rotary.ts';
import type { Weights } from './weights.ts';

export interface LlamaOptions {
  readonly contextLength: number;
  readonly theta?: number;
  /** Bias on the products for queries, keys and values. */
  readonly hasQkvBias: boolean;
  /** Bias on the product that leaves the attention. */
  readonly hasOutputBias: boolean;
  readonly hasMlpBias: boolean;
  /** RMSNorm over each head of the queries and keys (Qwen 3). */
  readonly normalizesHeads: boolean;
  /** Per block: how many tokens a query sees; null: all. */
  readonly windows: readonly (number | null)[];
  readonly isTiedByDefault?: boolean;
  readonly headDim?: number;
  readonly rmsEpsilon: number;
}

export function llamaFamily(fields: ConfigFields, weights: Weights, options: LlamaOptions): Architecture {
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const keyValueHeads = fields.size('num_key_value_heads', heads);
  checkHeadGroups(fields, heads, keyValueHeads);
  const headDim = fields.has('head_dim')
    ? fields.size('head_dim')
    : (options.headDim ?? sharedHeadDim(fields, hiddenSize, heads));
  const config: ModelConfig = {
    ...commonConfig(fields),
    hiddenSize,
    layers: fields.layers('num_hidden_layers'),
    heads,
    keyValueHeads,
    headDim,
    intermediateSize: fields.size('intermediate_size'),
    contextLength: options.contextLength,
    residual: 'sequential',
  };
  const activation = readActivation(fields, 'hidden_act', 'silu');
  const epsilon = fields.positive('rms_norm_eps', options.rmsEpsilon);
  const isTied = fields.boolean('tie_word_embeddings', options.isTiedByDefault ?? false);
  const rotary = readRotary(fields, {
    headDim,
    contextLength: options.contextLength,
    ...(options.theta === undefined ? {} : { theta: options.theta }),
  });
  const prefix = weights.prefix(['model.', ''], 'embed_tokens.weight');
  const { intermediateSize } = config;
  const { hasQkvBias, hasOutputBias, hasMlpBias } = options;

  function block(model: ModelGraph, index: number, x: Value): Value {
    const weight = (name: string, ...shape: number[]) => model.weight(`${prefix}layers.${index}.${name}`, shape);
    const linear = (input: Value, name: string, from: number, to: number, hasBias: boolean) =>
      op.linear(input, weight(`${name}.weight`, to, from), hasBias ? weight(`${name}.bias`, to) : null);
    const norm = (name: string, size = hiddenSize) => rmsNormalization(weight(`${name}.weight`, size), epsilon);
    const site = (name: string, value: Value) => model.site(`blocks.${index}.${name}`, value);

    const before = site('hook_resid_pre', x);
    const input = norm('input_layernorm').apply(before);
    const project = (name: string, count: number) =>
      splitHeads(linear(input, `self_attn.${name}`, hiddenSize, count * headDim, hasQkvBias), count, headDim);
    const headNorm = (name: string) =>
      options.normalizesHeads ? (value: Value) => norm(`self_attn.${name}`, headDim).apply(value) : null;
    const z = attention(
      model,
      index,
      {
        query: project('q_proj', heads),
        key: project('k_proj', keyValueHeads),
        value: project('v_proj', keyValueHeads),
      },
      {
        scale: headDim ** -0.5,
        rotary,
        window: options.windows[index] ?? null,
        normalizeQuery: headNorm('q_norm'),
        normalizeKey: headNorm('k_norm'),
      },
    );
    const attended = linear(z, 'self_attn.o_proj', heads * headDim, hiddenSize, hasOutputBias);
    const middle = site('hook_resid_mid', op.add(before, site('hook_attn_out', attended)));

    const ln2 = norm('post_attention_layernorm');
    const normalized = site('ln2.hook_normalized', ln2.normalize(middle));
    const mlpWeight = (name: string, from: number, to: number) => ({
      weight: weight(`mlp.${name}.weight`, to, from),
      bias: hasMlpBias ? weight(`mlp.${name}.bias`, to) : null,
    });
    const output = gatedFeedForward(model, index, ln2.scale(normalized), {
      activation,
      gate: mlpWeight('gate_proj', hiddenSize, intermediateSize),
      up: mlpWeight('up_proj', hiddenSize, intermediateSize),
      down: mlpWeight('down_proj', intermediateSize, hiddenSize),
    });
    return site('hook_resid_post', op.add(middle, site('hook_mlp_out', output)));
  }

  return decoder({
    config,
    names: {
      prefix: { here: prefix, canonical: 'model.' },
      embedding: 'embed_tokens',
      positions: null,
      blocks: 'layers',
      attention: { name: 'self_attn.o_proj', hasBias: hasOutputBias },
      mlp: { name: 'mlp.down_proj', hasBias: hasMlpBias },
      streamAxis: 0,
      head: { sharesEmbedding: isTied, weight: 'lm_head.weight' },
    },
    block,
    lastNorm: (model) => rmsNormalization(model.weight(`${prefix}norm.weight`, [hiddenSize]), epsilon),
  });
}

/** The same window, or none, for every block. */
export function sameWindow(fields: ConfigFields, window: number | null): (number | null)[] {
  return Array.from({ length: fields.layers('num_hidden_layers') }, () => window);
}
