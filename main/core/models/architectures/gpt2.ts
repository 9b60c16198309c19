// GPT-2 (Radford et al. 2019): learned positions, LayerNorm before each half of a block, one product for queries, keys and
// values, weights stored [in, out]. Some small models in its form have no bias on that product.
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/ops.ts';
import type { Architecture } from '../architecture.ts';
import { attention, splitHeads } from '../attention.ts';
import { commonConfig, sharedHeadDim, type ConfigFields, type ModelConfig } from '../config.ts';
import { decoder } from '../decoder.ts';
import { feedForward, readActivation } from '../feedForward.ts';
import type { ModelGraph } from '../modelGraph.ts';
import { layerNormalization } from '../normalization.ts';
import type { Weights } from '../weights.ts';

export function gpt2(fields: ConfigFields, weights: Weights): Architecture {
  const hiddenSize = fields.size('n_embd');
  const heads = fields.size('n_head');
  const config: ModelConfig = {
    ...commonConfig(fields),
    hiddenSize,
    layers: fields.layers('n_layer'),
    heads,
    keyValueHeads: heads,
    headDim: sharedHeadDim(fields, hiddenSize, heads),
    intermediateSize: fields.size('n_inner', 4 * hiddenSize),
    contextLength: fields.size('n_positions', 1024),
    residual: 'sequential',
  };
  const activation = readActivation(fields, 'activation_function', 'gelu_new');
  const epsilon = fields.positive('layer_norm_epsilon', 1e-5);
  const isTied = fields.boolean('tie_word_embeddings', true);
  const scalesByWidth = fields.boolean('scale_attn_weights', true);
  const scalesByBlock = fields.boolean('scale_attn_by_inverse_layer_idx', false);
  const prefix = weights.prefix(['transformer.', ''], 'wte.weight');
  // In every block or in none.
  const hasQkvBias = Array.from({ length: config.layers }, (_, index) => index).some((index) =>
    weights.has(`${prefix}h.${index}.attn.c_attn.bias`),
  );
  const { intermediateSize, headDim } = config;

  function block(model: ModelGraph, index: number, x: Value): Value {
    const weight = (name: string, ...shape: number[]) => model.weight(`${prefix}h.${index}.${name}`, shape);
    const norm = (name: string) =>
      layerNormalization(weight(`${name}.weight`, hiddenSize), weight(`${name}.bias`, hiddenSize), epsilon);
    const site = (name: string, value: Value) => model.site(`blocks.${index}.${name}`, value);

    const before = site('hook_resid_pre', x);
    const qkv = op.linear(
      norm('ln_1').apply(before),
      weight('attn.c_attn.weight', hiddenSize, 3 * hiddenSize),
      hasQkvBias ? weight('attn.c_attn.bias', 3 * hiddenSize) : null,
      { transposed: true },
    );
    const [query, key, value] = op
      .split(qkv, [hiddenSize, hiddenSize, hiddenSize], -1)
      .map((part) => splitHeads(part, heads, headDim)) as [Value, Value, Value];
    const scale = (scalesByWidth ? headDim ** -0.5 : 1) / (scalesByBlock ? index + 1 : 1);
    const z = attention(model, index, { query, key, value }, { scale });
    const attended = op.linear(
      z,
      weight('attn.c_proj.weight', hiddenSize, hiddenSize),
      weight('attn.c_proj.bias', hiddenSize),
      { transposed: true },
    );
    const middle = site('hook_resid_mid', op.add(before, site('hook_attn_out', attended)));

    const ln2 = norm('ln_2');
    const normalized = site('ln2.hook_normalized', ln2.normalize(middle));
    const output = feedForward(model, index, ln2.scale(normalized), {
      activation,
      input: {
        weight: weight('mlp.c_fc.weight', hiddenSize, intermediateSize),
        bias: weight('mlp.c_fc.bias', intermediateSize),
      },
      output: {
        weight: weight('mlp.c_proj.weight', intermediateSize, hiddenSize),
        bias: weight('mlp.c_proj.bias', hiddenSize),
      },
      transposed: true,
    });
    return site('hook_resid_post', op.add(middle, site('hook_mlp_out', output)));
  }

  return decoder({
    config,
    names: {
      prefix: { here: prefix, canonical: 'transformer.' },
      embedding: 'wte',
      positions: 'wpe',
      blocks: 'h',
      attention: { name: 'attn.c_proj', hasBias: true },
      mlp: { name: 'mlp.c_proj', hasBias: true },
      streamAxis: 1,
      head: { sharesEmbedding: isTied, weight: 'lm_head.weight' },
    },
    block,
    lastNorm: (model) =>
      layerNormalization(
        model.weight(`${prefix}ln_f.weight`, [hiddenSize]),
        model.weight(`${prefix}ln_f.bias`, [hiddenSize]),
        epsilon,
      ),
  });
}
