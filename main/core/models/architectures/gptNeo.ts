// GPT-Neo (Black et al. 2021; the TinyStories models): GPT-2's blocks with scores left unscaled, and every other block, or
// as config.json says, looking back over a window only.
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

export function gptNeo(fields: ConfigFields, weights: Weights): Architecture {
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_heads');
  const config: ModelConfig = {
    ...commonConfig(fields),
    hiddenSize,
    layers: fields.layers('num_layers'),
    heads,
    keyValueHeads: heads,
    headDim: sharedHeadDim(fields, hiddenSize, heads),
    intermediateSize: fields.size('intermediate_size', 4 * hiddenSize),
    contextLength: fields.size('max_position_embeddings', 2048),
    residual: 'sequential',
  };
  const { headDim, intermediateSize } = config;
  const windows = readWindows(fields, config.layers);
  const activation = readActivation(fields, 'activation_function', 'gelu_new');
  const epsilon = fields.positive('layer_norm_epsilon', 1e-5);
  const isTied = fields.boolean('tie_word_embeddings', true);
  const prefix = weights.prefix(['transformer.', ''], 'wte.weight');

  function block(model: ModelGraph, index: number, x: Value): Value {
    const weight = (name: string, ...shape: number[]) => model.weight(`${prefix}h.${index}.${name}`, shape);
    const norm = (name: string) =>
      layerNormalization(weight(`${name}.weight`, hiddenSize), weight(`${name}.bias`, hiddenSize), epsilon);
    const site = (name: string, value: Value) => model.site(`blocks.${index}.${name}`, value);

    const before = site('hook_resid_pre', x);
    const input = norm('ln_1').apply(before);
    const project = (name: string) =>
      splitHeads(op.linear(input, weight(`attn.attention.${name}.weight`, hiddenSize, hiddenSize)), heads, headDim);
    const z = attention(
      model,
      index,
      { query: project('q_proj'), key: project('k_proj'), value: project('v_proj') },
      { scale: 1, window: windows[index] ?? null },
    );
    const attended = op.linear(
      z,
      weight('attn.attention.out_proj.weight', hiddenSize, hiddenSize),
      weight('attn.attention.out_proj.bias', hiddenSize),
    );
    const middle = site('hook_resid_mid', op.add(before, site('hook_attn_out', attended)));

    const ln2 = norm('ln_2');
    const normalized = site('ln2.hook_normalized', ln2.normalize(middle));
    const output = feedForward(model, index, ln2.scale(normalized), {
      activation,
      input: {
        weight: weight('mlp.c_fc.weight', intermediateSize, hiddenSize),
        bias: weight('mlp.c_fc.bias', intermediateSize),
      },
      output: {
        weight: weight('mlp.c_proj.weight', hiddenSize, intermediateSize),
        bias: weight('mlp.c_proj.bias', hiddenSize),
      },
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
      attention: { name: 'attn.attention.out_proj', hasBias: true },
      mlp: { name: 'mlp.c_proj', hasBias: true },
      streamAxis: 0,
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

/** `attention_types` is a list of [pattern, repetitions]; `attention_layers`, which wins, names each block's kind. */
function readWindows(fields: ConfigFields, layers: number): (number | null)[] {
  const window = fields.size('window_size', 256);
  const kinds = fields.perLayer('attention_layers', layers, ['global', 'local']) ?? expandTypes(fields, layers);
  return kinds.map((kind) => (kind === 'local' ? window : null));
}

function expandTypes(fields: ConfigFields, layers: number): ('global' | 'local')[] {
  const value = fields.value('attention_types') ?? [[['global', 'local'], layers / 2]];
  const wrong = () => fields.error('invalid-file', `"attention_types" does not describe ${layers} blocks.`);
  const kinds: ('global' | 'local')[] = [];
  if (!Array.isArray(value)) throw wrong();
  for (const entry of value as unknown[]) {
    if (!Array.isArray(entry)) throw wrong();
    const [pattern, repetitions] = entry as unknown[];
    if (!Array.isArray(pattern) || typeof repetitions !== 'number' || !(repetitions <= layers)) throw wrong();
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const kind of pattern as unknown[]) {
        if ((kind !== 'global' && kind !== 'local') || kinds.length === layers) throw wrong();
        kinds.push(kind);
      }
    }
  }
  if (kinds.length !== layers) throw wrong();
  return kinds;
}
