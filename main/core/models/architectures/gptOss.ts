// GPT-OSS (OpenAI 2025): Llama with biases, a sink for the attention of each head, a sliding window in every other block, and a
// mixture of experts in every block.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { llamaFamily } from '../llamaFamily.ts';
import { readExperts } from '../mixture.ts';
import type { Weights } from '../weights.ts';

const CLAMP = 7;

export function gptOss(fields: ConfigFields, weights: Weights): Architecture {
  const layers = fields.layers('num_hidden_layers');
  const blocks = Array.from({ length: layers }, (_, block) => block);
  if (weights.has('model.layers.0.mlp.experts.gate_up_proj_blocks')) {
    throw fields.error(
      'unsupported',
      'its experts are stored in 4 bits (MXFP4). Save it in bfloat16 and add that: in transformers, load it with ' +
        'quantization_config=Mxfp4Config(dequantize=True) and call save_pretrained(FOLDER).',
    );
  }
  const window = fields.size('sliding_window', 128);
  const types =
    fields.perLayer('layer_types', layers, ['full_attention', 'sliding_attention']) ??
    blocks.map((block) => (block % 2 === 0 ? 'sliding_attention' : 'full_attention'));
  const hasBias = fields.boolean('attention_bias', true);
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 131072),
    theta: 150000,
    headDim: 64,
    rmsEpsilon: 1e-5,
    hasQkvBias: hasBias,
    hasOutputBias: hasBias,
    hasMlpBias: true,
    hasSinks: true,
    windows: types.map((type) => (type === 'sliding_attention' ? window : null)),
    mixture: {
      ...readExperts(fields, ['num_local_experts', 'num_experts'], 128),
      blocks,
      width: fields.size('intermediate_size'),
      isNormalized: true,
      clamp: CLAMP,
      names: { router: 'mlp.router', experts: 'mlp.experts', products: ['gate_up_proj', 'gate_up_proj', 'down_proj'] },
    },
  });
}
