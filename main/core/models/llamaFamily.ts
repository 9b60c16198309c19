// The block shared by Llama, Mistral, Qwen, Phi 3, OLMo, StableLM and Granite: a norm before each half, products for queries,
// keys and values, grouped-query heads, rotary positions, a gated feed-forward layer. What differs is said by LlamaOptions.
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { Architecture } from './architecture.ts';
import { attention, splitHeads } from './attention.ts';
import { checkHeadGroups, commonConfig, sharedHeadDim, type ConfigFields, type ModelConfig } from './config.ts';
import { decoder } from './decoder.ts';
import {
  clampedExperts,
  fusedFeedForward,
  gatedFeedForward,
  gatedProduct,
  readActivation,
  type Activation,
  type GatedWeights,
} from './feedForward.ts';
import { mixtureOfExperts, type MixtureConfig } from './mixture.ts';
import type { ModelGraph } from './modelGraph.ts';
import { layerNormalization, rmsNormalization, type Normalization } from './normalization.ts';
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
  /** A norm of queries and keys: RMSNorm over each head (Qwen 3) or over all heads together (OLMo 2), LayerNorm with weights
   * of its own for each head (StableLM 2). None when left out. */
  readonly queryNorm?: 'head' | 'projection' | 'layer per head';
  /** Of the stream: RMSNorm when left out, RMSNorm with weights stored less 1 (Gemma), LayerNorm, or LayerNorm without weights
   * (OLMo). */
  readonly norm?: 'rms' | 'rms less 1' | 'layer' | 'plain layer';
  /** Where config.json does not name it as `hidden_act`. */
  readonly activation?: Activation;
  /** Where norms are: before each half when left out; after each half (OLMo 2); one before both, which run in parallel. */
  readonly placement?: 'before' | 'after' | 'parallel';
  /** One product each for queries, keys and values, and for gate and up (Phi 3). */
  readonly isFused?: boolean;
  /** Queries, keys and values are cut off at ±clip, behind a norm of theirs where there is one (OLMo, OLMoE). */
  readonly clip?: number | null;
  readonly partialFactor?: number;
  /** Factors, of Granite and Gemma: of the embedding, the scores, what a half adds, and the divisor of the logits. */
  readonly multipliers?: Multipliers;
  /** Mixtures of experts in place of feed-forward layers. */
  readonly mixture?: Mixture;
  /** Per block: how many tokens a query sees; null: all. */
  readonly windows: readonly (number | null)[];
  /** Each head has a score that takes attention and gives nothing. */
  readonly hasSinks?: boolean;
  readonly isTiedByDefault?: boolean;
  readonly headDim?: number;
  /** Where config.json does not say it. */
  readonly rmsEpsilon: number;
}

interface Mixture extends MixtureConfig {
  /** Within a block: the router, an expert, and an expert's gate, up and down. */
  readonly names: {
    readonly router: string;
    readonly experts: string;
    readonly products: readonly [gate: string, up: string, down: string];
  };
  /** An expert that every token goes through, behind a sigmoid gate of its own (Qwen 2). */
  readonly sharedWidth?: number;
  /** All experts in one tensor a product, with biases, also of the router, and what enters the gate cut off here (GPT-OSS). */
  readonly clamp?: number;
}

interface Multipliers {
  readonly embedding: number;
  readonly attention: number;
  readonly residual: number;
  readonly logitsDivisor: number;
}

const RESIDUAL = { before: 'sequential', after: 'post-norm', parallel: 'parallel' } as const;

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
    residual: RESIDUAL[options.placement ?? 'before'],
    ...(options.mixture === undefined ? {} : { mixtureBlocks: options.mixture.blocks }),
  };
  const activation = options.activation ?? readActivation(fields, 'hidden_act', 'silu');
  const normKind = options.norm ?? 'rms';
  const epsilon =
    normKind === 'plain layer'
      ? options.rmsEpsilon
      : fields.positive(normKind.startsWith('rms') ? 'rms_norm_eps' : 'layer_norm_eps', options.rmsEpsilon);
  const isTied = fields.boolean('tie_word_embeddings', options.isTiedByDefault ?? false);
  const rotary = readRotary(fields, {
    headDim,
    contextLength: options.contextLength,
    ...(options.theta === undefined ? {} : { theta: options.theta }),
    ...(options.partialFactor === undefined ? {} : { partialFactor: options.partialFactor }),
  });
  const prefix = weights.prefix(['model.', ''], 'embed_tokens.weight');
  const { intermediateSize } = config;
  const { hasQkvBias, hasOutputBias, hasMlpBias, queryNorm, placement = 'before', isFused = false } = options;
  const { clip = null, multipliers, mixture } = options;

  function normalization(model: ModelGraph, name: string, size = hiddenSize): Normalization {
    if (normKind === 'plain layer') return layerNormalization(null, null, epsilon);
    const weight = model.weight(`${prefix}${name}.weight`, [size]);
    if (normKind !== 'layer') return rmsNormalization(weight, epsilon, normKind === 'rms' ? 0 : 1);
    return layerNormalization(weight, model.weight(`${prefix}${name}.bias`, [size]), epsilon);
  }

  function block(model: ModelGraph, index: number, x: Value): Value {
    const weight = (name: string, ...shape: number[]) => model.weight(`${prefix}layers.${index}.${name}`, shape);
    const linear = (input: Value, name: string, from: number, to: number, hasBias: boolean) =>
      op.linear(input, weight(`${name}.weight`, to, from), hasBias ? weight(`${name}.bias`, to) : null);
    const norm = (name: string) => normalization(model, `layers.${index}.${name}`);
    const site = (name: string, value: Value) => model.site(`blocks.${index}.${name}`, value);

    /** `[batch, time, count·headDim]` each. */
    function projections(input: Value): readonly [query: Value, key: Value, value: Value] {
      const [wide, narrow] = [heads * headDim, keyValueHeads * headDim];
      if (!isFused) {
        const project = (name: string, to: number) => linear(input, `self_attn.${name}`, hiddenSize, to, hasQkvBias);
        return [project('q_proj', wide), project('k_proj', narrow), project('v_proj', narrow)];
      }
      const all = linear(input, 'self_attn.qkv_proj', hiddenSize, wide + 2 * narrow, hasQkvBias);
      return op.split(all, [wide, narrow, narrow], -1) as [Value, Value, Value];
    }

    function attend(input: Value): Value {
      const clipped = (value: Value) => (clip === null ? value : op.min(op.max(value, -clip), clip));
      const together = (value: Value, name: string, count: number) =>
        queryNorm === 'projection'
          ? rmsNormalization(weight(`self_attn.${name}.weight`, count * headDim), epsilon).apply(value)
          : value;
      const headNorm = (name: string, count: number) => {
        if (queryNorm === 'head')
          return (value: Value) =>
            rmsNormalization(weight(`self_attn.${name}_norm.weight`, headDim), epsilon).apply(value);
        if (queryNorm !== 'layer per head') return null;
        const own = (head: number) =>
          op.unsqueeze(weight(`self_attn.${name}_layernorm.norms.${head}.weight`, headDim), [0]);
        const weights = op.concat(
          Array.from({ length: count }, (_, head) => own(head)),
          0,
        );
        return (value: Value) => op.mul(layerNormalization(null, null, epsilon).apply(value), weights);
      };
      const [query, key, value] = projections(input);
      const z = attention(
        model,
        index,
        {
          query: splitHeads(clipped(together(query, 'q_norm', heads)), heads, headDim),
          key: splitHeads(clipped(together(key, 'k_norm', keyValueHeads)), keyValueHeads, headDim),
          value: splitHeads(clipped(value), keyValueHeads, headDim),
        },
        {
          scale: multipliers?.attention ?? headDim ** -0.5,
          rotary,
          window: options.windows[index] ?? null,
          sinks: options.hasSinks ? weight('self_attn.sinks', heads) : null,
          normalizeQuery: headNorm('q', heads),
          normalizeKey: headNorm('k', keyValueHeads),
        },
      );
      return linear(z, 'self_attn.o_proj', heads * headDim, hiddenSize, hasOutputBias);
    }

    function mix(input: Value, { names, sharedWidth, clamp, ...rest }: Mixture): Value {
      const router = (x: Value) => linear(x, names.router, hiddenSize, rest.experts, clamp !== undefined);
      if (clamp !== undefined) {
        const fused = clampedExperts((name, ...shape) => weight(`${names.experts}.${name}`, ...shape), {
          ...{ hiddenSize, limit: clamp, experts: rest.experts, width: rest.width },
        });
        return mixtureOfExperts(index, input, rest, { router, expert: fused });
      }
      const [gate, up, down] = names.products;
      const expert = (name: string, width: number): GatedWeights => ({
        gate: { weight: weight(`${name}.${gate}.weight`, width, hiddenSize) },
        up: { weight: weight(`${name}.${up}.weight`, width, hiddenSize) },
        down: { weight: weight(`${name}.${down}.weight`, hiddenSize, width) },
      });
      const mixed = mixtureOfExperts(index, input, rest, {
        router,
        expert: (x, each) => gatedProduct(x, expert(`${names.experts}.${each}`, rest.width), activation),
      });
      if (sharedWidth === undefined) return mixed;
      const shared = gatedProduct(input, expert('mlp.shared_expert', sharedWidth), activation);
      return op.add(mixed, op.mul(shared, op.sigmoid(linear(input, 'mlp.shared_expert_gate', hiddenSize, 1, false))));
    }

    function feed(input: Value): Value {
      if (mixture?.blocks.includes(index)) return mix(input, mixture);
      const product = (name: string, from: number, to: number) => ({
        weight: weight(`mlp.${name}.weight`, to, from),
        bias: hasMlpBias ? weight(`mlp.${name}.bias`, to) : null,
      });
      const down = () => product('down_proj', intermediateSize, hiddenSize);
      if (isFused) {
        const gateAndUp = product('gate_up_proj', hiddenSize, 2 * intermediateSize);
        return fusedFeedForward(model, index, input, { activation, gateAndUp, down: down() });
      }
      const gate = product('gate_proj', hiddenSize, intermediateSize);
      const up = product('up_proj', hiddenSize, intermediateSize);
      return gatedFeedForward(model, index, input, { activation, gate, up, down: down() });
    }

    const residual = multipliers?.residual ?? 1;
    const scaled = (value: Value) => (residual === 1 ? value : op.mul(value, residual));
    const before = site('hook_resid_pre', x);
    if (placement === 'after') {
      const attended = site('hook_attn_out', norm('post_attention_layernorm').apply(attend(before)));
      const middle = site('hook_resid_mid', op.add(before, attended));
      const written = site('hook_mlp_out', norm('post_feedforward_layernorm').apply(feed(middle)));
      return site('hook_resid_post', op.add(middle, written));
    }
    const ln = norm('input_layernorm');
    if (placement === 'parallel') {
      const shared = ln.normalize(before);
      const attended = site('hook_attn_out', attend(ln.scale(shared)));
      // TransformerLens gives such models an ln2 equal to ln1: the site is what the feed-forward layer alone reads.
      const written = site('hook_mlp_out', feed(ln.scale(site('ln2.hook_normalized', shared))));
      return site('hook_resid_post', op.add(op.add(before, attended), written));
    }
    const attended = site('hook_attn_out', scaled(attend(ln.apply(before))));
    const middle = site('hook_resid_mid', op.add(before, attended));
    const ln2 = norm('post_attention_layernorm');
    const written = feed(ln2.scale(site('ln2.hook_normalized', ln2.normalize(middle))));
    return site('hook_resid_post', op.add(middle, site('hook_mlp_out', scaled(written))));
  }

  /** What lies between a half's product and the stream, and the module whose output is what the half adds. */
  const half = (product: string, norm: string, hasBias: boolean) => {
    const name = { name: product, hasBias };
    const isNormalized = () => ({ bias: null, covers: 'write' as const });
    if (placement === 'after') return { ...name, module: norm, normAfter: isNormalized };
    if (multipliers === undefined || multipliers.residual === 1) return name;
    // Scaled outside of any module. A bias would have to be divided by the factor: not compiled into.
    return { ...name, module: null, ...(hasBias ? { normAfter: isNormalized } : {}) };
  };

  return decoder({
    config,
    names: {
      prefix: { here: prefix, canonical: 'model.' },
      embedding: 'embed_tokens',
      ...(multipliers === undefined || multipliers.embedding === 1 ? {} : { embeddingModule: null }),
      positions: null,
      blocks: 'layers',
      attention: half('self_attn.o_proj', 'post_attention_layernorm', hasOutputBias),
      mlp: {
        ...half('mlp.down_proj', 'post_feedforward_layernorm', hasMlpBias),
        ...(mixture === undefined ? {} : { mixture: { blocks: mixture.blocks, name: mixture.names.experts } }),
      },
      streamAxis: 0,
      head: { sharesEmbedding: isTied, weight: 'lm_head.weight' },
    },
    block,
    lastNorm: (model) => normalization(model, 'norm'),
    ...(multipliers ? { embeddingScale: multipliers.embedding, logitsDivisor: multipliers.logitsDivisor } : {}),
  });
}

/** The same window, or none, for every block. */
export function sameWindow(fields: ConfigFields, window: number | null): (number | null)[] {
  return Array.from({ length: fields.layers('num_hidden_layers') }, () => window);
}
