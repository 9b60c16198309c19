// Tiny checkpoints with random weights, one per architecture, in the layout of the Hub. Only tests import this file. The
// names of the tensors are written out here once more, from the published checkpoints, and not taken from the readers.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensors, type TensorToWrite } from '../../core/formats/safetensors.ts';
import { float32ToBfloat16, float32ToFloat16 } from '../../core/numerics/halfPrecision.ts';
import { Random } from '../../core/numerics/random.ts';

export interface TinyTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

export interface TinyModel {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, TinyTensor>;
}

export const VOCABULARY = 29;
export const CONTEXT = 32;
const HIDDEN = 16;
const HEADS = 4;
const KEY_VALUE_HEADS = 2;
const HEAD = 4;
const WIDE_HEAD = 6;
const MLP = 24;

export type TinyName = keyof typeof RECIPES;

/** How one architecture's checkpoint looks: its config, and the shapes of its tensors by name. */
interface Recipe {
  readonly config: Readonly<Record<string, unknown>>;
  readonly shapes: readonly (readonly [name: string, ...shape: number[]])[];
}

type Shapes = Recipe['shapes'];

function layerNorm(name: string, size = HIDDEN): Shapes {
  return [
    [`${name}.weight`, size],
    [`${name}.bias`, size],
  ];
}

/** torch's Linear keeps [out, in]. */
function linear(name: string, from: number, to: number, hasBias: boolean): Shapes {
  return [[`${name}.weight`, to, from], ...(hasBias ? ([[`${name}.bias`, to]] as const) : [])];
}

function conv1d(name: string, from: number, to: number): Shapes {
  return [
    [`${name}.weight`, from, to],
    [`${name}.bias`, to],
  ];
}

function layers(count: number, prefix: string, shapes: Shapes): Shapes {
  return Array.from({ length: count }, (_, layer) =>
    shapes.map(([name, ...shape]) => [`${prefix}${layer}.${name}`, ...shape] as const),
  ).flat();
}

const common = { vocab_size: VOCABULARY, bos_token_id: 1, eos_token_id: 2 };

function gpt2(extra: Readonly<Record<string, unknown>> = {}): Recipe {
  return {
    config: {
      ...common,
      model_type: 'gpt2',
      n_embd: HIDDEN,
      n_head: HEADS,
      n_layer: 2,
      n_positions: CONTEXT,
      n_inner: MLP,
      activation_function: 'gelu_new',
      layer_norm_epsilon: 1e-5,
      ...extra,
    },
    shapes: [
      ['transformer.wte.weight', VOCABULARY, HIDDEN],
      ['transformer.wpe.weight', CONTEXT, HIDDEN],
      ...layers(2, 'transformer.h.', [
        ...layerNorm('ln_1'),
        ...conv1d('attn.c_attn', HIDDEN, 3 * HIDDEN),
        ...conv1d('attn.c_proj', HIDDEN, HIDDEN),
        ...layerNorm('ln_2'),
        ...conv1d('mlp.c_fc', HIDDEN, MLP),
        ...conv1d('mlp.c_proj', MLP, HIDDEN),
      ]),
      ...layerNorm('transformer.ln_f'),
    ],
  };
}

interface LlamaShape {
  readonly head?: number;
  readonly keyValueHeads?: number;
  readonly hasQkvBias?: boolean;
  readonly hasOutputBias?: boolean;
  readonly hasMlpBias?: boolean;
  readonly hasHeadNorms?: boolean;
  readonly isTied?: boolean;
}

function llamaLike(modelType: string, extra: Readonly<Record<string, unknown>>, shape: LlamaShape = {}): Recipe {
  const { head = HEAD, keyValueHeads = KEY_VALUE_HEADS, hasQkvBias = false, hasOutputBias = false } = shape;
  const { hasMlpBias = false, hasHeadNorms = false, isTied = false } = shape;
  return {
    config: {
      ...common,
      model_type: modelType,
      hidden_size: HIDDEN,
      num_attention_heads: HEADS,
      num_key_value_heads: keyValueHeads,
      head_dim: head,
      num_hidden_layers: 2,
      intermediate_size: MLP,
      max_position_embeddings: CONTEXT,
      rms_norm_eps: 1e-6,
      tie_word_embeddings: isTied,
      ...extra,
    },
    shapes: [
      ['model.embed_tokens.weight', VOCABULARY, HIDDEN],
      ...layers(2, 'model.layers.', [
        ['input_layernorm.weight', HIDDEN],
        ...linear('self_attn.q_proj', HIDDEN, HEADS * head, hasQkvBias),
        ...linear('self_attn.k_proj', HIDDEN, keyValueHeads * head, hasQkvBias),
        ...linear('self_attn.v_proj', HIDDEN, keyValueHeads * head, hasQkvBias),
        ...linear('self_attn.o_proj', HEADS * head, HIDDEN, hasOutputBias),
        ...(hasHeadNorms
          ? ([
              ['self_attn.q_norm.weight', head],
              ['self_attn.k_norm.weight', head],
            ] as const)
          : []),
        ['post_attention_layernorm.weight', HIDDEN],
        ...linear('mlp.gate_proj', HIDDEN, MLP, hasMlpBias),
        ...linear('mlp.up_proj', HIDDEN, MLP, hasMlpBias),
        ...linear('mlp.down_proj', MLP, HIDDEN, hasMlpBias),
      ]),
      ['model.norm.weight', HIDDEN],
      ...(isTied ? [] : ([['lm_head.weight', VOCABULARY, HIDDEN]] as const)),
    ],
  };
}

function gemma(
  modelType: string,
  count: number,
  hasHeadNorms: boolean,
  extra: Readonly<Record<string, unknown>>,
): Recipe {
  const plain = llamaLike(modelType, {}, { head: WIDE_HEAD, hasHeadNorms, isTied: true });
  return {
    config: {
      ...plain.config,
      num_hidden_layers: count,
      hidden_activation: 'gelu_pytorch_tanh',
      query_pre_attn_scalar: 5,
      sliding_window: 4,
      ...extra,
    },
    shapes: [
      ...plain.shapes.filter(([name]) => !name.startsWith('model.layers.')),
      ...layers(count, 'model.layers.', [
        ...plain.shapes
          .filter(([name]) => name.startsWith('model.layers.0.'))
          .map(([name, ...shape]) => [name.slice('model.layers.0.'.length), ...shape] as const),
        ['pre_feedforward_layernorm.weight', HIDDEN],
        ['post_feedforward_layernorm.weight', HIDDEN],
      ]),
    ],
  };
}

function neox(extra: Readonly<Record<string, unknown>>): Recipe {
  return {
    config: {
      ...common,
      model_type: 'gpt_neox',
      hidden_size: HIDDEN,
      num_attention_heads: HEADS,
      num_hidden_layers: 2,
      intermediate_size: MLP,
      max_position_embeddings: CONTEXT,
      hidden_act: 'gelu',
      ...extra,
    },
    shapes: [
      ['gpt_neox.embed_in.weight', VOCABULARY, HIDDEN],
      ...layers(2, 'gpt_neox.layers.', [
        ...layerNorm('input_layernorm'),
        ...linear('attention.query_key_value', HIDDEN, 3 * HIDDEN, true),
        ...linear('attention.dense', HIDDEN, HIDDEN, true),
        ...layerNorm('post_attention_layernorm'),
        ...linear('mlp.dense_h_to_4h', HIDDEN, MLP, true),
        ...linear('mlp.dense_4h_to_h', MLP, HIDDEN, true),
      ]),
      ...layerNorm('gpt_neox.final_layer_norm'),
      ['embed_out.weight', VOCABULARY, HIDDEN],
    ],
  };
}

function opt(embedding: number, isPreNorm: boolean): Recipe {
  return {
    config: {
      ...common,
      model_type: 'opt',
      hidden_size: HIDDEN,
      num_attention_heads: HEADS,
      num_hidden_layers: 2,
      ffn_dim: MLP,
      max_position_embeddings: CONTEXT,
      do_layer_norm_before: isPreNorm,
      word_embed_proj_dim: embedding,
      activation_function: 'relu',
    },
    shapes: [
      ['model.decoder.embed_tokens.weight', VOCABULARY, embedding],
      ['model.decoder.embed_positions.weight', CONTEXT + 2, HIDDEN],
      ...(embedding === HIDDEN
        ? []
        : ([
            ['model.decoder.project_in.weight', HIDDEN, embedding],
            ['model.decoder.project_out.weight', embedding, HIDDEN],
          ] as const)),
      ...layers(2, 'model.decoder.layers.', [
        ...layerNorm('self_attn_layer_norm'),
        ...linear('self_attn.q_proj', HIDDEN, HIDDEN, true),
        ...linear('self_attn.k_proj', HIDDEN, HIDDEN, true),
        ...linear('self_attn.v_proj', HIDDEN, HIDDEN, true),
        ...linear('self_attn.out_proj', HIDDEN, HIDDEN, true),
        ...layerNorm('final_layer_norm'),
        ...linear('fc1', HIDDEN, MLP, true),
        ...linear('fc2', MLP, HIDDEN, true),
      ]),
      ...(isPreNorm ? layerNorm('model.decoder.final_layer_norm') : []),
    ],
  };
}

function without({ config, shapes }: Recipe, names: RegExp): Recipe {
  return { config, shapes: shapes.filter(([name]) => !names.test(name)) };
}

/** Each tensor as those that `change` makes of it. */
function changed({ config, shapes }: Recipe, change: (shape: Shapes[number]) => Shapes): Recipe {
  return { config, shapes: shapes.flatMap(change) };
}

/** One product for queries, keys and values, and one for gate and up. */
function fused(recipe: Recipe): Recipe {
  const rows = (HEADS + 2 * KEY_VALUE_HEADS) * HEAD;
  return changed(without(recipe, /(?:k_proj|v_proj|up_proj)/u), ([name, ...shape]) => {
    if (name.includes('q_proj')) return [[name.replace('q_proj', 'qkv_proj'), rows, HIDDEN]];
    if (name.includes('gate_proj')) return [[name.replace('gate_proj', 'gate_up_proj'), 2 * MLP, HIDDEN]];
    return [[name, ...shape]];
  });
}

/** Norms after each half, and over all queries and all keys. */
function postNorm(recipe: Recipe): Recipe {
  return changed(recipe, ([name, ...shape]) => {
    if (!name.endsWith('input_layernorm.weight')) return [[name, ...shape]];
    const norm = (of: string, size: number) => [name.replace('input_layernorm', of), size] as const;
    return [
      norm('self_attn.q_norm', HEADS * HEAD),
      norm('self_attn.k_norm', KEY_VALUE_HEADS * HEAD),
      norm('post_feedforward_layernorm', HIDDEN),
    ];
  });
}

/** One norm over all heads of the queries together, and one over those of the keys. */
function wholeNorms(recipe: Recipe): Recipe {
  return changed(recipe, ([name, ...shape]) => {
    const own: Shapes = [[name, ...shape]];
    if (!name.endsWith('o_proj.weight')) return own;
    const norm = (of: string, size: number) => [name.replace('o_proj', of), size] as const;
    return [...own, norm('q_norm', HEADS * HEAD), norm('k_norm', KEY_VALUE_HEADS * HEAD)];
  });
}

interface TinyExperts {
  readonly blocks: readonly number[];
  readonly experts: number;
  readonly router: string;
  readonly of: string;
  readonly width: number;
  readonly shared?: number;
}

/** Experts in place of the feed-forward layer of some blocks. */
function withExperts(
  recipe: Recipe,
  { blocks, experts, router, of, width, shared }: TinyExperts,
  [gate, up, down]: readonly [string, string, string] = ['gate_proj', 'up_proj', 'down_proj'],
): Recipe {
  const expert = (name: string, size: number): Shapes => [
    ...linear(`${name}.${gate}`, HIDDEN, size, false),
    ...linear(`${name}.${up}`, HIDDEN, size, false),
    ...linear(`${name}.${down}`, size, HIDDEN, false),
  ];
  const mixture: Shapes = [
    ...linear(router, HIDDEN, experts, false),
    ...Array.from({ length: experts }, (_, index) => expert(`${of}.${index}`, width)).flat(),
    ...(shared === undefined
      ? []
      : [...expert('mlp.shared_expert', shared), ...linear('mlp.shared_expert_gate', HIDDEN, 1, false)]),
  ];
  return changed(recipe, ([name, ...shape]) => {
    const block = blocks.find((each) => name.startsWith(`model.layers.${each}.mlp.`));
    if (block === undefined) return [[name, ...shape]];
    if (!name.endsWith('gate_proj.weight')) return [];
    return mixture.map(([each, ...sizes]) => [`model.layers.${block}.${each}`, ...sizes] as const);
  });
}

/** The language model within one that also sees; the part that sees is left out. */
function seeing({ config, shapes }: Recipe): Recipe {
  const { bos_token_id, eos_token_id, ...text } = config;
  return {
    config: {
      ...{ model_type: 'gemma3', bos_token_id, eos_token_id, mm_tokens_per_image: 4, text_config: text },
      vision_config: {
        ...{ hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1, num_attention_heads: 2 },
        ...{ image_size: 28, patch_size: 14, model_type: 'siglip_vision_model' },
      },
    },
    shapes: shapes.map(([name, ...shape]) => [`language_model.${name}`, ...shape]),
  };
}

/** Experts with biases in one tensor a product, and a sink for each head. */
function fusedExperts(recipe: Recipe, experts: number): Recipe {
  return changed(recipe, ([name, ...shape]) => {
    const own: Shapes = [[name, ...shape]];
    if (name.endsWith('o_proj.weight')) return [...own, [name.replace('o_proj.weight', 'sinks'), HEADS]];
    if (!name.includes('.mlp.')) return own;
    if (!name.endsWith('gate_proj.weight')) return [];
    const mlp = (each: string) => name.replace('gate_proj.weight', each);
    return [
      ...linear(mlp('router'), HIDDEN, experts, true),
      [mlp('experts.gate_up_proj'), experts, HIDDEN, 2 * MLP],
      [mlp('experts.gate_up_proj_bias'), experts, 2 * MLP],
      [mlp('experts.down_proj'), experts, MLP, HIDDEN],
      [mlp('experts.down_proj_bias'), experts, HIDDEN],
    ];
  });
}

/** Every norm of the stream with a bias. */
function layerNorms(recipe: Recipe): Recipe {
  return changed(recipe, ([name, ...shape]) =>
    /norm\.weight$/u.test(name) ? layerNorm(name.replace(/\.weight$/u, '')) : [[name, ...shape]],
  );
}

/** Weights of a norm for every head of the queries and keys. */
function perHeadNorms(recipe: Recipe): Recipe {
  const counts = { q: HEADS, k: KEY_VALUE_HEADS } as const;
  return changed(recipe, ([name, ...shape]) => {
    const which = /self_attn\.([qk])_proj\.weight$/u.exec(name)?.[1];
    if (which !== 'q' && which !== 'k') return [[name, ...shape]];
    const norms = Array.from({ length: counts[which] }, (_, head) => {
      return [name.replace('_proj.weight', `_layernorm.norms.${head}.weight`), HEAD] as const;
    });
    return [[name, ...shape], ...norms];
  });
}

const llama3Scaling = { rope_type: 'llama3', factor: 4, low_freq_factor: 1, high_freq_factor: 4 };

const RECIPES = {
  gpt2: gpt2(),
  'gpt2 scaled by block': gpt2({ scale_attn_by_inverse_layer_idx: true }),
  gpt_neo: {
    config: {
      ...common,
      model_type: 'gpt_neo',
      hidden_size: HIDDEN,
      num_heads: HEADS,
      num_layers: 2,
      intermediate_size: null,
      max_position_embeddings: CONTEXT,
      attention_types: [[['global', 'local'], 1]],
      window_size: 4,
    },
    shapes: [
      ['transformer.wte.weight', VOCABULARY, HIDDEN],
      ['transformer.wpe.weight', CONTEXT, HIDDEN],
      ...layers(2, 'transformer.h.', [
        ...layerNorm('ln_1'),
        ...linear('attn.attention.q_proj', HIDDEN, HIDDEN, false),
        ...linear('attn.attention.k_proj', HIDDEN, HIDDEN, false),
        ...linear('attn.attention.v_proj', HIDDEN, HIDDEN, false),
        ...linear('attn.attention.out_proj', HIDDEN, HIDDEN, true),
        ...layerNorm('ln_2'),
        ...linear('mlp.c_fc', HIDDEN, 4 * HIDDEN, true),
        ...linear('mlp.c_proj', 4 * HIDDEN, HIDDEN, true),
      ]),
      ...layerNorm('transformer.ln_f'),
    ],
  },
  'gpt_neox parallel': neox({ use_parallel_residual: true, rotary_pct: 0.5, rotary_emb_base: 10_000 }),
  'gpt_neox sequential': neox({
    use_parallel_residual: false,
    rope_parameters: { rope_type: 'default', rope_theta: 10_000, partial_rotary_factor: 0.5 },
  }),
  llama: llamaLike('llama', { rope_parameters: { rope_type: 'default', rope_theta: 10_000 } }),
  'llama with biases, tied, one head per key': llamaLike(
    'llama',
    { attention_bias: true, mlp_bias: true, rope_theta: 500 },
    { keyValueHeads: HEADS, hasQkvBias: true, hasOutputBias: true, hasMlpBias: true, isTied: true },
  ),
  'llama 3 rope': llamaLike('llama', {
    rope_theta: 1000,
    rope_scaling: { ...llama3Scaling, original_max_position_embeddings: 8 },
  }),
  mistral: llamaLike('mistral', { sliding_window: 4 }),
  qwen2: llamaLike(
    'qwen2',
    { use_sliding_window: true, sliding_window: 4, max_window_layers: 1 },
    { hasQkvBias: true },
  ),
  qwen3: llamaLike('qwen3', {}, { head: WIDE_HEAD, hasHeadNorms: true, isTied: true }),
  // Not whole numbers, which JSON would not tell from integers: transformers insists on the difference.
  gemma2: gemma('gemma2', 2, false, { attn_logit_softcapping: 3.5, final_logit_softcapping: 5.5 }),
  gemma3: gemma('gemma3_text', 3, true, {
    sliding_window_pattern: 2,
    rope_theta: 1000,
    rope_local_base_freq: 100,
    rope_scaling: { rope_type: 'linear', factor: 2 },
  }),
  opt: opt(HIDDEN, true),
  'opt post-norm, narrow embedding': opt(10, false),
  phi: {
    config: {
      ...common,
      model_type: 'phi',
      hidden_size: HIDDEN,
      num_attention_heads: HEADS,
      num_hidden_layers: 2,
      intermediate_size: MLP,
      max_position_embeddings: CONTEXT,
      partial_rotary_factor: 0.5,
      hidden_act: 'gelu_new',
      qk_layernorm: true,
    },
    shapes: [
      ['model.embed_tokens.weight', VOCABULARY, HIDDEN],
      ...layers(2, 'model.layers.', [
        ...layerNorm('input_layernorm'),
        ...linear('self_attn.q_proj', HIDDEN, HIDDEN, true),
        ...linear('self_attn.k_proj', HIDDEN, HIDDEN, true),
        ...linear('self_attn.v_proj', HIDDEN, HIDDEN, true),
        ...linear('self_attn.dense', HIDDEN, HIDDEN, true),
        ...layerNorm('self_attn.q_layernorm', HEAD),
        ...layerNorm('self_attn.k_layernorm', HEAD),
        ...linear('mlp.fc1', HIDDEN, MLP, true),
        ...linear('mlp.fc2', MLP, HIDDEN, true),
      ]),
      ...layerNorm('model.final_layernorm'),
      ...linear('lm_head', HIDDEN, VOCABULARY, true),
    ],
  },
  phi3: fused(
    llamaLike('phi3', {
      ...{ pad_token_id: 0, original_max_position_embeddings: CONTEXT, partial_rotary_factor: 0.5, sliding_window: 6 },
      rope_scaling: { type: 'longrope', factor: 2.5, short_factor: [1.5], long_factor: [4] },
    }),
  ),
  olmo: without(llamaLike('olmo', { clip_qkv: 1.5 }), /norm/u),
  olmo2: postNorm(llamaLike('olmo2', {})),
  stablelm: layerNorms(
    llamaLike(
      'stablelm',
      { layer_norm_eps: 1e-5, use_qkv_bias: true, partial_rotary_factor: 0.5 },
      { hasQkvBias: true },
    ),
  ),
  'stablelm parallel, heads normalised': perHeadNorms(
    without(
      layerNorms(
        llamaLike('stablelm', {
          ...{ layer_norm_eps: 1e-5, qk_layernorm: true, use_parallel_residual: true, partial_rotary_factor: 0.5 },
        }),
      ),
      /post_attention_layernorm/u,
    ),
  ),
  granite: llamaLike('granite', {
    ...{ embedding_multiplier: 3.5, attention_multiplier: 0.4, residual_multiplier: 0.6, logits_scaling: 2.5 },
  }),
  mixtral: withExperts(
    llamaLike('mixtral', { num_local_experts: 5, num_experts_per_tok: 2, sliding_window: 6 }),
    { blocks: [0, 1], experts: 5, router: 'block_sparse_moe.gate', of: 'block_sparse_moe.experts', width: MLP },
    ['w1', 'w3', 'w2'],
  ),
  qwen2_moe: withExperts(
    llamaLike(
      'qwen2_moe',
      {
        ...{ num_experts: 6, num_experts_per_tok: 3, moe_intermediate_size: 12, shared_expert_intermediate_size: 12 },
        ...{ decoder_sparse_step: 1, norm_topk_prob: false },
      },
      { hasQkvBias: true },
    ),
    { blocks: [0, 1], experts: 6, router: 'mlp.gate', of: 'mlp.experts', width: 12, shared: 12 },
  ),
  qwen3_moe: withExperts(
    llamaLike(
      'qwen3_moe',
      {
        ...{ num_experts: 6, num_experts_per_tok: 2, moe_intermediate_size: 12, norm_topk_prob: true },
        ...{ decoder_sparse_step: 1, mlp_only_layers: [1] },
      },
      { head: WIDE_HEAD, hasHeadNorms: true },
    ),
    { blocks: [0], experts: 6, router: 'mlp.gate', of: 'mlp.experts', width: 12 },
  ),
  olmoe: withExperts(
    wholeNorms(llamaLike('olmoe', { num_experts: 4, num_experts_per_tok: 2, norm_topk_prob: false, clip_qkv: 1.5 })),
    { blocks: [0, 1], experts: 4, router: 'mlp.gate', of: 'mlp.experts', width: MLP },
  ),
  gemma: llamaLike('gemma', { hidden_act: 'gelu_pytorch_tanh' }, { head: WIDE_HEAD, isTied: true }),
  'gemma3 that sees': seeing(
    gemma('gemma3_text', 4, true, {
      sliding_window_pattern: 2,
      rope_theta: 1000,
      rope_local_base_freq: 100,
    }),
  ),
  gpt_oss: fusedExperts(
    llamaLike(
      'gpt_oss',
      {
        ...{ num_local_experts: 4, num_experts_per_tok: 2, sliding_window: 5, attention_bias: true },
        layer_types: ['sliding_attention', 'full_attention'],
        rope_parameters: {
          ...{ rope_type: 'yarn', rope_theta: 1000, factor: 4, beta_fast: 32, beta_slow: 1, truncate: false },
          original_max_position_embeddings: CONTEXT / 4,
        },
      },
      { hasQkvBias: true, hasOutputBias: true },
    ),
    4,
  ),
} satisfies Record<string, Recipe>;

export const TINY_NAMES = Object.keys(RECIPES) as TinyName[];

/** Weights of about unit gain, large enough that attention is far from uniform and logits far from ties. */
export function tinyModel(name: TinyName, seed = 1): TinyModel {
  const { config, shapes }: Recipe = RECIPES[name];
  const random = new Random(seed);
  const isGemma = name.startsWith('gemma');
  const tensors = new Map<string, TinyTensor>();
  for (const [tensor, ...shape] of shapes) {
    const isNorm = /(norm|ln_\w)\.weight$/u.test(tensor);
    const [centre, spread] = isNorm ? [isGemma ? 0 : 1, 0.2] : shape.length === 1 ? [0, 0.2] : [0, 0.4];
    const count = shape.reduce((product, size) => product * size, 1);
    tensors.set(tensor, {
      shape,
      values: Float32Array.from({ length: count }, () => centre + spread * random.normal()),
    });
  }
  return { config, tensors };
}

export interface WriteOptions {
  readonly dtype?: 'F32' | 'F16' | 'BF16';
  /** More than one: shards with an index. */
  readonly shards?: number;
}

/** Writes a folder as the Hub has it. */
export async function writeTinyModel(folder: string, model: TinyModel, options: WriteOptions = {}): Promise<void> {
  const { dtype = 'F32', shards = 1 } = options;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(model.config));
  const stored = [...model.tensors].map(([name, { shape, values }]): TensorToWrite => {
    const data = dtype === 'F32' ? values : dtype === 'F16' ? float32ToFloat16(values) : float32ToBfloat16(values);
    return { name, dtype, shape, data };
  });
  if (shards === 1) {
    await writeSafetensors(join(folder, 'model.safetensors'), stored, { format: 'pt' });
    return;
  }
  const shardName = (shard: number) => `model-${shard + 1}-of-${shards}.safetensors`;
  for (let shard = 0; shard < shards; shard++) {
    await writeSafetensors(
      join(folder, shardName(shard)),
      stored.filter((_, index) => index % shards === shard),
    );
  }
  const weightMap = Object.fromEntries(stored.map(({ name }, index) => [name, shardName(index % shards)]));
  await writeFile(
    join(folder, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: {}, weight_map: weightMap }),
  );
}

/** Token ids drawn evenly, none of them the stop token. */
export function randomTokens(length: number, seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length }, () => 3 + random.below(VOCABULARY - 3));
}
