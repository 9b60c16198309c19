// Which features fire, within the graph of a step on a device of its own: each kind of dictionary has one of these.
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { TrainingConfig } from './trainingConfig.ts';

/** Most bytes in one intermediate of the sparse part; more tokens than fit go through in several chunks. */
const CHUNK_BYTES = 64 << 20;
/** Over a batch, features are looked for among so many of the largest of every token; a token cannot have more. */
const CANDIDATES_PER_K = 4;
/** Halvings of the interval in which a batch's threshold lies: float32 has no finer numbers there. */
const BISECTIONS = 26;

export interface ResidentSelection {
  readonly codes: readonly CodeChunk[];
  /** `[1]`: the smallest value that is kept, in kinds that keep one over the whole batch; null in others. */
  readonly threshold: Value | null;
}

/** @param pre `[batch, n]` */
export type SelectResident = (config: TrainingConfig, pre: Value) => ResidentSelection;

/** The k largest positive pre-activations of every token. */
export const selectPerToken: SelectResident = (config, pre) => ({
  codes: largestPerToken(config, pre, config.k),
  threshold: null,
});

/** The batch·k largest positive pre-activations of the batch. */
export const selectOverBatch: SelectResident = (config, pre) => {
  const { size, k, batchSize } = config;
  const chunks = largestPerToken(config, pre, Math.min(size, CANDIDATES_PER_K * k));
  const threshold = batchThreshold(chunks, batchSize * k);
  return { codes: chunks.map((chunk) => above(chunk, threshold)), threshold };
};

/**
 * Sparse codes of some tokens of the batch. The indices keep a last axis of one, as ScatterND wants them: no kernel of the
 * device reshapes int64, and every detour over the CPU would wait for all that came before.
 */
export interface CodeChunk {
  readonly first: number;
  readonly count: number;
  /** `[count, slots, 1]`, zero where a slot is empty. */
  readonly values: Value;
  /** int64 `[count, slots, 1]` */
  readonly indices: Value;
}

/** The `slots` largest positive pre-activations of every token, in chunks whose gathered rows stay within CHUNK_BYTES. */
export function largestPerToken({ batchSize, d }: TrainingConfig, pre: Value, slots: number): CodeChunk[] {
  const size = Math.max(1, Math.min(batchSize, Math.floor(CHUNK_BYTES / 4 / (slots * d))));
  const chunks: CodeChunk[] = [];
  for (let first = 0; first < batchSize; first += size) {
    const count = Math.min(size, batchSize - first);
    const rows = count === batchSize ? pre : op.slice(pre, 0, first, first + count);
    const { values, indices } = op.topK(op.unsqueeze(rows, [2]), slots, { sorted: false, axis: 1 });
    chunks.push({ first, count, values: op.relu(values), indices });
  }
  return chunks;
}

function above({ values, ...chunk }: CodeChunk, threshold: Value): CodeChunk {
  return { ...chunk, values: op.where(op.greaterOrEqual(values, threshold), values, 0) };
}

/**
 * The `count`-th largest of the values, to the precision of float32, by halving: on a device a few passes over the
 * candidates cost less than a sort. `[1]`
 */
function batchThreshold(chunks: readonly CodeChunk[], count: number): Value {
  const parts = chunks.map(({ values }) => values);
  const all = parts.length === 1 ? (parts[0] as Value) : op.concat(parts, 0);
  let low: Value = all.graph.constant('float32', [0]);
  let high: Value = op.reshape(op.reduceMax(all), [1]);
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = op.mul(op.add(low, high), 0.5);
    const larger = op.reshape(op.reduceSum(op.cast(op.greaterOrEqual(all, middle), 'float32')), [1]);
    const isEnough = op.greaterOrEqual(larger, count);
    low = op.where(isEnough, middle, low);
    high = op.where(isEnough, high, middle);
  }
  return low;
}
