// Causal self-attention (Vaswani et al. 2017) with what the architectures add to it: grouped-query heads (Ainslie et al.
// 2023), sliding windows, soft-capped scores (Gemma 2), rotary positions, normalised queries and keys, the key-value cache.
import type { Dim, Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { ModelGraph } from './modelGraph.ts';
import { rotate, type Rotary } from './rotary.ts';

export interface AttentionOptions {
  /** What scores are multiplied by; commonly 1/√headDim. */
  readonly scale: number;
  /** A query sees this many tokens, itself included; null: all before it. */
  readonly window?: number | null;
  /** Scores become c·tanh(score/c). */
  readonly softcap?: number | null;
  readonly rotary?: Rotary | null;
  /** A score for each head, `[heads]`, that takes its share of the attention and gives nothing (GPT-OSS). */
  readonly sinks?: Value | null;
  /** Applied to every head of the queries or keys, `[batch, time, heads, headDim]`, before they are turned. */
  readonly normalizeQuery?: ((query: Value) => Value) | null;
  readonly normalizeKey?: ((key: Value) => Value) | null;
}

/**
 * @param query `[batch, time, heads, headDim]`
 * @param key,value `[batch, time, keyValueHeads, headDim]`
 * @returns the heads' outputs side by side, `[batch, time, heads·headDim]`, having passed the site `attn.hook_z`.
 */
export function attention(
  model: ModelGraph,
  block: number,
  { query, key, value }: { query: Value; key: Value; value: Value },
  options: AttentionOptions,
): Value {
  const { heads, keyValueHeads, headDim } = model.config;
  const { scale, window = null, softcap = null, rotary = null, sinks = null } = options;
  let queries = options.normalizeQuery?.(query) ?? query;
  let keys = options.normalizeKey?.(key) ?? key;
  if (rotary) {
    const angles = model.angles(rotary);
    queries = rotate(queries, rotary, angles);
    keys = rotate(keys, rotary, angles);
  }
  if (scale !== 1) queries = op.mul(queries, scale);
  const all = model.extendCache(block, headsFirst(keys), headsFirst(value));
  const keyCount = op.size(all.key, 2);

  // Heads that share keys are laid under each other as more queries of one head, so that no key is copied.
  const group = heads / keyValueHeads;
  const grouped = (x: Value, width: Dim) =>
    group === 1 ? x : op.reshape(x, ['batch', keyValueHeads, `${group}×time`, width]);
  const perHead = (x: Value, width: Dim) => (group === 1 ? x : op.reshape(x, ['batch', heads, 'time', width]));

  const products = op.matMul(grouped(headsFirst(queries), headDim), op.transpose(all.key, [0, 1, 3, 2]));
  let scores = perHead(products, keyCount);
  if (softcap !== null) scores = op.mul(op.tanh(op.div(scores, softcap)), softcap);
  const masked = op.add(scores, model.mask(window));
  const gathered = perHead(op.matMul(grouped(op.softmax(masked), keyCount), all.value), headDim);
  // Σe^score / (Σe^score + e^sink) is what the sink leaves of a softmax without it.
  const mixed = sinks
    ? op.mul(gathered, op.sigmoid(op.sub(op.reduceLogSumExp(masked, [-1]), op.unsqueeze(sinks, [1, 2]))))
    : gathered;
  const z = model.site(`blocks.${block}.attn.hook_z`, op.transpose(mixed, [0, 2, 1, 3]));
  return op.reshape(z, ['batch', 'time', heads * headDim]);
}

/** `[batch, time, count·headDim]` as `[batch, time, count, headDim]`. */
export function splitHeads(x: Value, count: number, headDim: number): Value {
  return op.reshape(x, ['batch', 'time', count, headDim]);
}

function headsFirst(x: Value): Value {
  return op.transpose(x, [0, 2, 1, 3]);
}
