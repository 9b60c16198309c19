// OPT (Zhang et al. 2022): learned positions that begin at row 2, LayerNorm before each half of a block; the 350M model has it
// after each half instead, and embeddings narrower than the residual stream.
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/ops.ts';
import type { Architecture } from '../architecture.ts';
import { attention, splitHeads } from '../attention.ts';
import { commonConfig, sharedHeadDim, type ConfigFields, type ModelConfig } from '../config.ts';
import { feedForward, readActivation } from '../feedForward.ts';
import type { ModelGraph } from '../modelGraph.ts';
import { partsNamed } from '../namedParts.ts';
import { layerNormalization, type Normalization } from '../normalization.ts';
import type { Weights } from '../weights.ts';

/** Rows 0 and 1 of the position table served fairseq's padding. */
const FIRST_POSITION_ROW = 2;
const EPSILON = 1e-5;

export function opt(fields: ConfigFields, weights: Weights): Architecture {
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const isPreNorm = fields.boolean('do_layer_norm_before', true);
  const config: ModelConfig = {
    ...commonConfig(fields),
    hiddenSize,
    layers: fields.layers('num_hidden_layers'),
    heads,
    keyValueHeads: heads,
    headDim: sharedHeadDim(fields, hiddenSize, heads),
    intermediateSize: fields.size('ffn_dim', 4 * hiddenSize),
    contextLength: fields.size('max_position_embeddings', 2048),
    residual: isPreNorm ? 'sequential' : 'post-norm',
  };
  const { contextLength, headDim, intermediateSize, vocabularySize } = config;
  const embeddingSize = fields.size('word_embed_proj_dim', hiddenSize);
  const activation = readActivation(fields, 'activation_function', 'relu');
  const hasBias = fields.boolean('enable_bias', true);
  const hasNormWeights = fields.boolean('layer_norm_elementwise_affine', true);
  const isNarrow = embeddingSize !== hiddenSize;
  const hasLastNorm = isPreNorm && !fields.boolean('_remove_final_layer_norm', false);
  const isTied = fields.boolean('tie_word_embeddings', true);
  const prefix = weights.prefix(['model.decoder.', 'decoder.', ''], 'embed_tokens.weight');

  function norm(model: ModelGraph, name: string): Normalization {
    return layerNormalization(
      model.weightIf(hasNormWeights, `${prefix}${name}.weight`, [hiddenSize]),
      model.weightIf(hasNormWeights, `${prefix}${name}.bias`, [hiddenSize]),
      EPSILON,
    );
  }

  function block(model: ModelGraph, index: number, x: Value): Value {
    const matrix = (name: string, from: number, to: number) => ({
      weight: model.weight(`${prefix}layers.${index}.${name}.weight`, [to, from]),
      bias: model.weightIf(hasBias, `${prefix}layers.${index}.${name}.bias`, [to]),
    });
    const linear = (input: Value, name: string) => {
      const { weight, bias } = matrix(`self_attn.${name}`, hiddenSize, hiddenSize);
      return op.linear(input, weight, bias);
    };
    const site = (name: string, value: Value) => model.site(`blocks.${index}.${name}`, value);

    const before = site('hook_resid_pre', x);
    const ln1 = norm(model, `layers.${index}.self_attn_layer_norm`);
    const input = isPreNorm ? ln1.apply(before) : before;
    const project = (name: string) => splitHeads(linear(input, name), heads, headDim);
    const z = attention(
      model,
      index,
      { query: project('q_proj'), key: project('k_proj'), value: project('v_proj') },
      { scale: headDim ** -0.5 },
    );
    const attended = op.add(before, site('hook_attn_out', linear(z, 'out_proj')));
    const middle = site('hook_resid_mid', isPreNorm ? attended : ln1.apply(attended));

    const ln2 = norm(model, `layers.${index}.final_layer_norm`);
    const mlpInput = isPreNorm ? ln2.scale(site('ln2.hook_normalized', ln2.normalize(middle))) : middle;
    const output = feedForward(model, index, mlpInput, {
      activation,
      input: matrix('fc1', hiddenSize, intermediateSize),
      output: matrix('fc2', intermediateSize, hiddenSize),
    });
    const after = op.add(middle, site('hook_mlp_out', output));
    return site('hook_resid_post', isPreNorm ? after : ln2.apply(after));
  }

  const normAfter = (name: string) => (index: number) =>
    isPreNorm
      ? null
      : { bias: hasNormWeights ? `${prefix}layers.${index}.${name}.bias` : null, covers: 'stream' as const };
  const parts = partsNamed({
    prefix: { here: prefix, canonical: 'model.decoder.' },
    layers: config.layers,
    embedding: 'embed_tokens',
    ...(isNarrow
      ? {
          embeddingModule: null,
          embeddingWriter: { weight: `${prefix}project_in.weight`, streamAxis: 0 as const, bias: null },
        }
      : {}),
    positions: 'embed_positions',
    blocks: 'layers',
    attention: { name: 'self_attn.out_proj', hasBias, normAfter: normAfter('self_attn_layer_norm') },
    mlp: { name: 'fc2', hasBias, normAfter: normAfter('final_layer_norm') },
    streamAxis: 0,
    head: { sharesEmbedding: isTied && !isNarrow, weight: 'lm_head.weight' },
    middle: isPreNorm ? null : 'self_attn_layer_norm',
  });

  return {
    config,
    ...parts,
    build(model) {
      const embedding = model.weight(`${prefix}embed_tokens.weight`, [vocabularySize, embeddingSize]);
      const rows = contextLength + FIRST_POSITION_ROW;
      const positions = model.weight(`${prefix}embed_positions.weight`, [rows, hiddenSize]);
      const words = op.gather(embedding, model.tokens);
      const embedded = isNarrow
        ? op.linear(words, model.weight(`${prefix}project_in.weight`, [hiddenSize, embeddingSize]))
        : words;
      const first = op.add(model.site('hook_embed', embedded), model.positionEmbedding(positions, FIRST_POSITION_ROW));
      const x = model.blocks(first, (index, value) => block(model, index, value));
      const hidden = hasLastNorm ? norm(model, 'final_layer_norm').apply(x) : x;
      const head = isTied ? embedding : model.weight('lm_head.weight', [vocabularySize, embeddingSize]);
      const logits = (from: Value) => {
        const words = isNarrow
          ? op.linear(from, model.weight(`${prefix}project_out.weight`, [embeddingSize, hiddenSize]))
          : from;
        return op.linear(words, head);
      };
      return { hidden, logits };
    },
  };
}
