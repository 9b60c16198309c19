// Phi 1, 1.5 and 2 (Gunasekar et al. 2023): attention and feed-forward side by side behind one LayerNorm, a part of each
// head turning with position, biases everywhere, on the vocabulary product too.
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/ops.ts';
import type { Architecture } from '../architecture.ts';
import { attention, splitHeads } from '../attention.ts';
import { checkHeadGroups, commonConfig, sharedHeadDim, type ConfigFields, type ModelConfig } from '../config.ts';
import { decoder } from '../decoder.ts';
import { feedForward, readActivation } from '../feedForward.ts';
import type { ModelGraph } from '../modelGraph.ts';
import { layerNormalization } from '../normalization.ts';
import { readRotary } from '../rotary.ts';
import type { Weights } from '../weights.ts';

export function phi(fields: ConfigFields, weights: Weights): Architecture {
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const keyValueHeads = fields.size('num_key_value_heads', heads);
  checkHeadGroups(fields, heads, keyValueHeads);
  const headDim = sharedHeadDim(fields, hiddenSize, heads);
  const config: ModelConfig = {
    ...commonConfig(fields),
    hiddenSize,
    layers: fields.layers('num_hidden_layers'),
    heads,
    keyValueHeads,
    headDim,
    intermediateSize: fields.size('intermediate_size', 4 * hiddenSize),
    contextLength: fields.size('max_position_embeddings', 2048),
    residual: 'parallel',
  };
  const { contextLength, intermediateSize } = config;
  const rotary = readRotary(fields, { headDim, contextLength, partialFactor: 0.5 });
  const activation = readActivation(fields, 'hidden_act', 'gelu_new');
  const epsilon = fields.positive('layer_norm_eps', 1e-5);
  const normalizesHeads = fields.boolean('qk_layernorm', false);
  const isTied = fields.boolean('tie_word_embeddings', false);
  const prefix = weights.prefix(['model.', ''], 'embed_tokens.weight');

  function block(model: ModelGraph, index: number, x: Value): Value {
    const weight = (name: string, ...shape: number[]) => model.weight(`${prefix}layers.${index}.${name}`, shape);
    const matrix = (name: string, from: number, to: number) => ({
      weight: weight(`${name}.weight`, to, from),
      bias: weight(`${name}.bias`, to),
    });
    const linear = (input: Value, name: string, from: number, to: number) => {
      const { weight: factor, bias } = matrix(name, from, to);
      return op.linear(input, factor, bias);
    };
    const norm = (name: string, size: number) =>
      layerNormalization(weight(`${name}.weight`, size), weight(`${name}.bias`, size), epsilon);
    const site = (name: string, value: Value) => model.site(`blocks.${index}.${name}`, value);

    const before = site('hook_resid_pre', x);
    const ln = norm('input_layernorm', hiddenSize);
    const shared = ln.normalize(before);
    const attentionInput = ln.scale(shared);
    // TransformerLens gives such models an ln2 equal to ln1: the site is what the feed-forward layer alone reads.
    const normalized = site('ln2.hook_normalized', shared);

    const project = (name: string, count: number) =>
      splitHeads(linear(attentionInput, `self_attn.${name}`, hiddenSize, count * headDim), count, headDim);
    const headNorm = (name: string) =>
      normalizesHeads ? (value: Value) => norm(`self_attn.${name}`, headDim).apply(value) : null;
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
        normalizeQuery: headNorm('q_layernorm'),
        normalizeKey: headNorm('k_layernorm'),
      },
    );
    const attended = site('hook_attn_out', linear(z, 'self_attn.dense', hiddenSize, hiddenSize));
    const output = feedForward(model, index, ln.scale(normalized), {
      activation,
      input: matrix('mlp.fc1', hiddenSize, intermediateSize),
      output: matrix('mlp.fc2', intermediateSize, hiddenSize),
    });
    return site('hook_resid_post', op.add(op.add(before, attended), site('hook_mlp_out', output)));
  }

  return decoder({
    config,
    names: {
      prefix: { here: prefix, canonical: 'model.' },
      embedding: 'embed_tokens',
      positions: null,
      blocks: 'layers',
      attention: { name: 'self_attn.dense', hasBias: true },
      mlp: { name: 'mlp.fc2', hasBias: true },
      streamAxis: 0,
      head: { sharesEmbedding: isTied, weight: 'lm_head.weight' },
    },
    block,
    lastNorm: (model) =>
      layerNormalization(
        model.weight(`${prefix}final_layernorm.weight`, [hiddenSize]),
        model.weight(`${prefix}final_layernorm.bias`, [hiddenSize]),
        epsilon,
      ),
    headBias: 'lm_head.bias',
  });
}
