// GPT-NeoX (Black et al. 2022; Pythia): a part of each head turns with position; attention and feed-forward read the same
// residual stream side by side, or, in some Pythia-like models, one after the other.
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/ops.ts';
import type { Architecture } from '../architecture.ts';
import { attention } from '../attention.ts';
import { commonConfig, sharedHeadDim, type ConfigFields, type ModelConfig } from '../config.ts';
import { decoder } from '../decoder.ts';
import { feedForward, readActivation } from '../feedForward.ts';
import type { ModelGraph } from '../modelGraph.ts';
import { layerNormalization } from '../normalization.ts';
import { readRotary } from '../rotary.ts';
import type { Weights } from '../weights.ts';

export function gptNeox(fields: ConfigFields, weights: Weights): Architecture {
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const headDim = sharedHeadDim(fields, hiddenSize, heads);
  const isParallel = fields.boolean('use_parallel_residual', true);
  const config: ModelConfig = {
    ...commonConfig(fields),
    hiddenSize,
    layers: fields.layers('num_hidden_layers'),
    heads,
    keyValueHeads: heads,
    headDim,
    intermediateSize: fields.size('intermediate_size'),
    contextLength: fields.size('max_position_embeddings', 2048),
    residual: isParallel ? 'parallel' : 'sequential',
  };
  const { contextLength, intermediateSize } = config;
  const rotary = readRotary(fields, { headDim, contextLength, partialFactor: 0.25 });
  const activation = readActivation(fields, 'hidden_act', 'gelu');
  const epsilon = fields.positive('layer_norm_eps', 1e-5);
  const isTied = fields.boolean('tie_word_embeddings', false);
  const hasAttentionBias = fields.boolean('attention_bias', true);
  const prefix = weights.prefix(['gpt_neox.', ''], 'embed_in.weight');

  function block(model: ModelGraph, index: number, x: Value): Value {
    const weight = (name: string, ...shape: number[]) => model.weight(`${prefix}layers.${index}.${name}`, shape);
    const norm = (name: string) =>
      layerNormalization(weight(`${name}.weight`, hiddenSize), weight(`${name}.bias`, hiddenSize), epsilon);
    const site = (name: string, value: Value) => model.site(`blocks.${index}.${name}`, value);

    const before = site('hook_resid_pre', x);
    const qkv = op.linear(
      norm('input_layernorm').apply(before),
      weight('attention.query_key_value.weight', 3 * hiddenSize, hiddenSize),
      hasAttentionBias ? weight('attention.query_key_value.bias', 3 * hiddenSize) : null,
    );
    // The rows of the product lie head by head: a head's query, key and value side by side.
    const byHead = op.reshape(qkv, ['batch', 'time', heads, 3 * headDim]);
    const [query, key, value] = op.split(byHead, [headDim, headDim, headDim], -1) as [Value, Value, Value];
    const z = attention(model, index, { query, key, value }, { scale: headDim ** -0.5, rotary });
    const attended = site(
      'hook_attn_out',
      op.linear(
        z,
        weight('attention.dense.weight', hiddenSize, hiddenSize),
        hasAttentionBias ? weight('attention.dense.bias', hiddenSize) : null,
      ),
    );
    const afterAttention = op.add(before, attended);
    const middle = isParallel ? before : site('hook_resid_mid', afterAttention);

    const ln2 = norm('post_attention_layernorm');
    const normalized = site('ln2.hook_normalized', ln2.normalize(middle));
    const output = feedForward(model, index, ln2.scale(normalized), {
      activation,
      input: {
        weight: weight('mlp.dense_h_to_4h.weight', intermediateSize, hiddenSize),
        bias: weight('mlp.dense_h_to_4h.bias', intermediateSize),
      },
      output: {
        weight: weight('mlp.dense_4h_to_h.weight', hiddenSize, intermediateSize),
        bias: weight('mlp.dense_4h_to_h.bias', hiddenSize),
      },
    });
    return site('hook_resid_post', op.add(isParallel ? afterAttention : middle, site('hook_mlp_out', output)));
  }

  return decoder({
    config,
    names: {
      prefix: { here: prefix, canonical: 'gpt_neox.' },
      embedding: 'embed_in',
      positions: null,
      blocks: 'layers',
      attention: { name: 'attention.dense', hasBias: hasAttentionBias },
      mlp: { name: 'mlp.dense_4h_to_h', hasBias: true },
      streamAxis: 0,
      head: { sharesEmbedding: isTied, weight: 'embed_out.weight' },
    },
    block,
    lastNorm: (model) =>
      layerNormalization(
        model.weight(`${prefix}final_layer_norm.weight`, [hiddenSize]),
        model.weight(`${prefix}final_layer_norm.bias`, [hiddenSize]),
        epsilon,
      ),
  });
}
