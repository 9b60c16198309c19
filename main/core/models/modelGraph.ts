// The graph of one model while its architecture builds it: tokens and positions, masks, weights, the key-value cache, and
// the named sites where activations are tapped and edits spliced in.
//
// Two forms. Uncached: input_ids [batch, time]; rows of unequal length are padded on the right, which causal attention
// never looks at. Cached: also past_key.i and past_value.i [batch, keyValueHeads, past, headDim], and left_padding
// [batch]: rows are padded on the left, positions count from the first real token, padded keys are masked out.
import { graphError, type GraphBuilder, type Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { ModelConfig } from './config.ts';
import { rotaryAngles, type Rotary } from './rotary.ts';
import type { Weights } from './weights.ts';

/** What a masked attention score becomes: so low that its probability is exactly 0, finite so that a row without any
 * allowed key (padding) gives numbers nobody reads and not NaN. */
const MASKED_SCORE = -1e30;

/** Sees the value at every site as it is built, names it, and says what flows on: the value itself, or an edited one. */
export type SiteHook = (site: string, value: Value) => Value;

export interface ModelGraphOptions {
  readonly cache: boolean;
  /** By default every site's value is named as the site. */
  readonly onSite?: SiteHook;
}

export function pastKeyName(block: number): string {
  return `past_key.${block}`;
}

export function pastValueName(block: number): string {
  return `past_value.${block}`;
}

export function presentKeyName(block: number): string {
  return `present_key.${block}`;
}

export function presentValueName(block: number): string {
  return `present_value.${block}`;
}

export class ModelGraph {
  readonly graph: GraphBuilder;
  readonly config: ModelConfig;
  readonly hasCache: boolean;
  /** int64 `[batch, time]`. */
  readonly tokens: Value;
  readonly #weights: Weights;
  readonly #onSite: SiteHook;
  readonly #slots: { readonly queries: Value; readonly keys: Value };
  readonly #leftPadding: Value | null;
  readonly #masks = new Map<number | null, Value>();
  readonly #angles = new Map<string, { cos: Value; sin: Value }>();
  #positions: Value | null = null;

  constructor(graph: GraphBuilder, config: ModelConfig, weights: Weights, options: ModelGraphOptions) {
    this.graph = graph;
    this.config = config;
    this.hasCache = options.cache;
    this.#weights = weights;
    this.#onSite = options.onSite ?? ((site, value) => op.identity(value, site));
    this.tokens = graph.find('input_ids') ?? graph.input('input_ids', 'int64', ['batch', 'time']);
    const time = op.squeeze(graph.dim('time'), [0]);
    const zero = graph.constant('int64', 0);
    if (options.cache) {
      const cacheShape = ['batch', config.keyValueHeads, 'past', config.headDim];
      for (let block = 0; block < config.layers; block++) {
        graph.input(pastKeyName(block), 'float32', cacheShape);
        graph.input(pastValueName(block), 'float32', cacheShape);
      }
      this.#leftPadding = graph.input('left_padding', 'int64', ['batch']);
      const past = op.squeeze(graph.dim('past'), [0]);
      const total = op.add(past, time);
      this.#slots = { queries: op.range(past, total, 'time'), keys: op.range(zero, total, 'total') };
    } else {
      this.#leftPadding = null;
      const slots = op.range(zero, time, 'time');
      this.#slots = { queries: slots, keys: slots };
    }
  }

  /** A float32 weight of the model by its name in the file. @throws AppError when it is missing or has another shape. */
  weight(name: string, shape: readonly number[]): Value {
    return this.#weights.load(this.graph, name, shape);
  }

  /** A weight that a setting switches off. */
  weightIf(condition: boolean, name: string, shape: readonly number[]): Value | null {
    return condition ? this.weight(name, shape) : null;
  }

  /** Makes a value a site; what is returned must be used from there on. */
  site(name: string, value: Value): Value {
    return this.#onSite(name, value);
  }

  /** Runs `build` for every block in turn, on what the one before it returned. */
  blocks(x: Value, build: (index: number, x: Value) => Value): Value {
    let result = x;
    for (let index = 0; index < this.config.layers; index++) {
      result = this.graph.scope(`blocks.${index}`, () => build(index, result));
    }
    return result;
  }

  /** Position of each token, counted from the first real one: int64 `[1 or batch, time]`. */
  get positions(): Value {
    this.#positions ??= this.#computePositions();
    return this.#positions;
  }

  #computePositions(): Value {
    const slots = op.unsqueeze(this.#slots.queries, [0]);
    if (!this.#leftPadding) return slots;
    const positions = op.max(op.sub(slots, op.unsqueeze(this.#leftPadding, [1])), 0);
    // A row that has ended at the model's last position is carried along until its batch has ended.
    return op.min(positions, this.config.contextLength - 1);
  }

  /** `[1 or batch, time, 1, dim / 2]`, shared by all layers that turn alike. */
  angles(rotary: Rotary): { cos: Value; sin: Value } {
    const key = JSON.stringify(rotary);
    const known = this.#angles.get(key);
    if (known) return known;
    const angles = rotaryAngles(this.positions, rotary, this.config.contextLength);
    this.#angles.set(key, angles);
    return angles;
  }

  /**
   * What is added to attention scores: 0 where the query may see the key, −10³⁰ elsewhere; float32, broadcasts to
   * `[batch, heads, time, keys]`. A query sees itself and what came before it, with a window of w only the last w
   * tokens (itself included), and never padding.
   */
  mask(window: number | null): Value {
    const known = this.#masks.get(window);
    if (known) return known;
    const queries = op.unsqueeze(this.#slots.queries, [1]);
    const { keys } = this.#slots;
    let visible = op.lessOrEqual(keys, queries);
    if (window !== null) visible = op.and(visible, op.greater(keys, op.sub(queries, window)));
    if (this.#leftPadding) {
      const isReal = op.greaterOrEqual(keys, op.unsqueeze(this.#leftPadding, [1])); // [batch, total]
      visible = op.and(visible, op.unsqueeze(isReal, [1, 2]));
    }
    const mask = op.where(visible, this.graph.constant('float32', 0), MASKED_SCORE);
    this.#masks.set(window, mask);
    return mask;
  }

  /**
   * Puts the cached keys and values before the new ones, `[batch, keyValueHeads, time, headDim]` each, and hands the
   * whole back as outputs of the graph. Without a cache, the new ones are all there is.
   */
  extendCache(block: number, key: Value, value: Value): { key: Value; value: Value } {
    if (!this.hasCache) return { key, value };
    const extended = {
      key: op.concat([this.graph.value(pastKeyName(block)), key], 2, 'total'),
      value: op.concat([this.graph.value(pastValueName(block)), value], 2, 'total'),
    };
    this.graph.output(extended.key, presentKeyName(block));
    this.graph.output(extended.value, presentValueName(block));
    return extended;
  }

  /** Rows of a position table `[rows, hiddenSize]`: `[1 or batch, time, hiddenSize]`. */
  positionEmbedding(table: Value, offset = 0): Value {
    if (table.shape.length !== 2) throw graphError('A position table is a matrix.');
    return op.gather(table, offset === 0 ? this.positions : op.add(this.positions, offset));
  }
}
