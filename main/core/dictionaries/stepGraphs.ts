// The graphs of one training step on a device whose memory is ours (the CPU). What they gather they go through in a Scan,
// few tokens or features at a time, so that it stays in the processor's cache; their caller is blockStep.ts.
//
// With x a normalised activation, f = act(W_enc x + b_enc), x̂ = W_decᵀ f + b_dec, e = x̂ − x and the loss mean_t ‖e_t‖²:
//   ∂/∂x̂_t = 2 e_t / batch,   ∂/∂f_ti = 2 ⟨e_t, d_i⟩ / batch =: g_ti where f_ti > 0,
//   ∂/∂d_i = Σ_t f_ti · 2 e_t / batch,   ∂/∂w_i = Σ_t g_ti x_t,   ∂/∂b_i = Σ_t g_ti.
// AuxK (Gao et al. 2024): the dead features with the largest pre-activations reconstruct r = x − x̂ in the same way, with the
// loss mean_t ‖r̂_t − r_t‖² on them alone; its gradient reaches their encoder rows as well.
import { GraphBuilder, type Dim, type Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { TrainingConfig } from './trainingConfig.ts';

/** Gathered floats at a time: 2 MB, measured best on processors with 1–2 MB of second-level cache per core. */
const STEP_FLOATS = 1 << 19;

/** How many gathered rows of `d` floats are looked at together. */
export function rowsAtOnce(d: number): number {
  return Math.max(512, Math.floor(STEP_FLOATS / d));
}

/** The largest divisor of `count` up to `limit`. */
function divisorUpTo(count: number, limit: number): number {
  for (let divisor = Math.min(count, Math.max(1, Math.floor(limit))); ; divisor--)
    if (count % divisor === 0) return divisor;
}

/** The tokens that are decoded together where each has as many features; they divide the batch. */
function tokensAtOnce({ batchSize, d }: TrainingConfig, slots: number): number {
  return divisorUpTo(batchSize, rowsAtOnce(d) / slots);
}

function preActivations(
  graph: GraphBuilder,
  { d, size }: TrainingConfig,
  tokens: Dim,
): { normalised: Value; pre: Value } {
  const normalised = graph.input('normalised', 'float32', [tokens, d]);
  const encoder = graph.input('W_enc', 'float32', [size, d]);
  const pre = op.gemm(normalised, encoder, graph.input('b_enc', 'float32', [size]), { transB: true });
  return { normalised, pre };
}

/**
 * batchtopk: the largest pre-activations of every token, those up to `low` as `low`: a TopK that has little to choose from
 * takes half of the time. In order, so that it is the same whatever `low` was.
 * Inputs: normalised `[tokens, d]`, W_enc `[n, d]`, b_enc `[n]`, slots int64 `[1]`, low `[]`.
 * Outputs: values and indices int64 `[tokens, slots]`, descending.
 */
export function encodeGraph(config: TrainingConfig): Uint8Array {
  const graph = new GraphBuilder('encode');
  const { pre } = preActivations(graph, config, 'tokens');
  const count = graph.input('slots', 'int64', [1]);
  const { values, indices } = op.topK(op.clip(pre, graph.input('low', 'float32', [])), { count, dim: 'slots' });
  graph.output(values, 'values');
  graph.output(indices, 'indices');
  return graph.toBytes();
}

/**
 * topk up to the gradients of the codes.
 * Inputs: normalised `[batch, d]`, W_enc `[n, d]`, b_enc `[n]`, W_dec `[n, d]`, b_dec `[d]`.
 * Outputs: values and indices int64 `[batch, k]`, the k largest pre-activations of a token or zero where they are not
 *   positive, and what decode() gives.
 */
export function forwardGraph(config: TrainingConfig): Uint8Array {
  const { batchSize, d, size, k } = config;
  const graph = new GraphBuilder('forward');
  const { normalised, pre } = preActivations(graph, config, batchSize);
  const best = op.topK(pre, k, { sorted: false });
  const values = op.relu(best.values);
  graph.output(values, 'values');
  graph.output(best.indices, 'indices');
  const decoder = graph.input('W_dec', 'float32', [size, d]);
  decodeTokens(config, values, best.indices, normalised, decoder, graph.input('b_dec', 'float32', [d]));
  return graph.toBytes();
}

/**
 * AuxK: the pre-activations of some features only, the `auxK` largest of every token, and their reconstruction of −leftOut.
 * Inputs: normalised and leftOut (the error of the main codes) `[batch, d]`, features int32 `[m]`, of which the first turn `[]` (int64) count, W_enc and
 *   W_dec `[n, d]`, b_enc `[n, 1]`.
 * Outputs: values and indices int32 `[batch, auxK]`, and what decode() gives.
 */
export function auxGraph(config: TrainingConfig, auxK: number): Uint8Array {
  const { batchSize, d, size } = config;
  const graph = new GraphBuilder('aux');
  const normalised = graph.input('normalised', 'float32', [batchSize, d]);
  const leftOut = graph.input('leftOut', 'float32', [batchSize, d]);
  const features = graph.input('features', 'int32', ['m']);
  const rows = op.gather(graph.input('W_enc', 'float32', [size, d]), features);
  const bias = op.gather(graph.input('b_enc', 'float32', [size, 1]), features);
  const pre = op.gemm(normalised, rows, op.transpose(bias, [1, 0]), { transB: true });
  const best = op.topK(pre, auxK, { sorted: false });
  const counts = op.less(best.indices, graph.input('turn', 'int64', []));
  const values = op.where(counts, op.relu(best.values), 0);
  const indices = op.gather(features, best.indices);
  graph.output(values, 'values');
  graph.output(indices, 'indices');
  decodeTokens(config, values, indices, op.neg(leftOut), graph.input('W_dec', 'float32', [size, d]), null);
  return graph.toBytes();
}

/** decode() of tokens that all have as many slots, in their own order: values and indices `[batch, slots]`. */
function decodeTokens(
  config: TrainingConfig,
  values: Value,
  indices: Value,
  wanted: Value,
  decoder: Value,
  bias: Value | null,
): void {
  const { batchSize, d } = config;
  const slots = op.fixedSize(values, 1);
  const tokens = tokensAtOnce(config, slots);
  const steps = batchSize / tokens;
  decode(decoder, bias, {
    columns: op.reshape(indices, [steps, tokens, slots]),
    values: op.reshape(values, [steps, tokens, 1, slots]),
    wanted: op.reshape(wanted, [steps, tokens, 1, d]),
  });
}

/**
 * Reconstructs tokens from their lists of features, and tells what each feature would have had to do better.
 * columns `[steps, tokens, length]` (features), values `[steps, tokens, 1, length]`, wanted `[steps, tokens, 1, d]`.
 * Outputs: error `[steps, tokens, 1, d]` = reconstruction − wanted, alignment `[steps, tokens, length, 1]` = ⟨e_t, d_i⟩,
 *   squaredError `[steps]` = Σ‖e_t‖², errorSum `[steps, d]` = Σ e_t.
 */
function decode(
  decoder: Value,
  bias: Value | null,
  lists: { readonly columns: Value; readonly values: Value; readonly wanted: Value },
): void {
  const { graph } = decoder;
  const step = ([columns, values, wanted]: readonly Value[]): Value[] => {
    const directions = op.gather(decoder, columns as Value); // [tokens, length, d]
    const reconstruction = op.matMul(values as Value, directions); // [tokens, 1, d]
    const error = op.sub(bias ? op.add(reconstruction, bias) : reconstruction, wanted as Value);
    const [tokens, , d] = error.shape as [string | number, 1, number];
    return [error, op.matMul(directions, op.reshape(error, [tokens, d, 1]))];
  };
  const inputs = [lists.columns, lists.values, lists.wanted];
  const [error, alignment] = op.scan(graph, 'decode', inputs, step, ['error', 'alignment']) as [Value, Value];
  graph.output(error);
  graph.output(alignment);
  graph.output(op.reduceSumSquare(error, [1, 2, 3], { keepDims: false }), 'squaredError');
  graph.output(op.reduceSum(error, [1, 2], { keepDims: false }), 'errorSum');
}

/**
 * Decodes a block of tokens with lists of different lengths.
 * Inputs: tokens int32 `[steps, tokens]`, columns int32 and values `[steps, tokens, length]`, normalised `[batch, d]`,
 *   W_dec `[n, d]`, b_dec `[d]`. Outputs: what decode() gives.
 */
export function decodeGraph({ batchSize, d, size }: TrainingConfig): Uint8Array {
  const graph = new GraphBuilder('decodeBlock');
  const tokens = graph.input('tokens', 'int32', ['steps', 'tokens']);
  const columns = graph.input('columns', 'int32', ['steps', 'tokens', 'length']);
  const values = graph.input('values', 'float32', ['steps', 'tokens', 1, 'length']);
  const wanted = op.gather(graph.input('normalised', 'float32', [batchSize, d]), tokens);
  decode(graph.input('W_dec', 'float32', [size, d]), graph.input('b_dec', 'float32', [d]), {
    columns,
    values,
    wanted: op.unsqueeze(wanted, [2]),
  });
  return graph.toBytes();
}

/**
 * Adam (Kingma & Ba 2015) on the encoder and decoder rows of a block of features. The other rows rest: a feature that does not fire has no
 * gradient, and its moments decay by the right power when it fires next (`decay1`, `decay2`), so no step touches more
 * memory than it must. The second moment is one number per row (Adam-mini, arXiv 2406.16793): EMA of mean_j g_ij².
 * The decoder's gradient loses its part along the row, and the row returns to unit norm.
 *
 * Inputs: features int32 `[lists]`, as many as steps·perStep, columns int32 `[steps, perStep, length]` (tokens), errorWeights
 *   and inputWeights `[steps, perStep, 1, length]`, which are f_ti·2/batch and g_ti, both times 1 − β1 (that constant is
 *   cheaper there than on the gradients), normalised and error `[batch, d]`, the parameters and moments, and per row
 *   `[lists, 1]`: decay1, decay2, stepSize (learning rate / weight of the first moment), correction2 (1 / weight of the
 *   second moment).
 * Outputs: the block's new rows of every parameter and moment, NAME_out `[lists, width]`.
 */
export function updateGraph({ batchSize, d, size, beta1, beta2, epsilon }: TrainingConfig): Uint8Array {
  const graph = new GraphBuilder('update');
  const features = graph.input('features', 'int32', ['lists']);
  const columns = graph.input('columns', 'int32', ['steps', 'perStep', 'length']);
  const weights = (name: string) => graph.input(name, 'float32', ['steps', 'perStep', 1, 'length']);
  const lists = [columns, weights('inputWeights'), weights('errorWeights')];
  const normalised = graph.input('normalised', 'float32', [batchSize, d]);
  const error = graph.input('error', 'float32', [batchSize, d]);
  const perRow = (name: string) => graph.input(name, 'float32', ['lists', 1]);
  const [decay1, decay2] = [perRow('decay1'), perRow('decay2')];
  const [stepSize, correction2] = [perRow('stepSize'), perRow('correction2')];

  const rowsOf = (name: string, width: number) => op.gather(graph.input(name, 'float32', [size, width]), features);
  /** `scaledGradient` is (1 − β1)·gradient. */
  const adam = (name: string, old: Value, scaledGradient: Value): Value => {
    const mean = op.add(op.mul(rowsOf(`${name}_mean`, d), decay1), scaledGradient);
    const meanSquare = op.mul(op.reduceSumSquare(scaledGradient, [1]), (1 - beta2) / (d * (1 - beta1) ** 2));
    const square = op.add(op.mul(rowsOf(`${name}_square`, 1), decay2), meanSquare);
    const size = op.div(stepSize, op.add(op.sqrt(op.mul(square, correction2)), epsilon));
    graph.output(mean, `${name}_mean_out`);
    graph.output(square, `${name}_square_out`);
    return op.sub(old, op.mul(mean, size));
  };

  const weightedRows = (from: Value, tokens: Value, rowWeights: Value) =>
    op.matMul(rowWeights, op.gather(from, tokens));
  const sums = op.scan(graph, 'sums', lists, ([tokens, inputWeights, errorWeights]) => [
    weightedRows(normalised, tokens as Value, inputWeights as Value),
    weightedRows(error, tokens as Value, errorWeights as Value),
  ]); // [steps, perStep, 1, d] each
  const [encoderGradient, gradient] = sums.map((sum) => op.reshape(sum, ['lists', d])) as [Value, Value];
  graph.output(adam('W_enc', rowsOf('W_enc', d), encoderGradient), 'W_enc_out');

  const direction = rowsOf('W_dec', d);
  const tangent = op.sub(gradient, op.mul(direction, op.reduceSum(op.mul(gradient, direction), [1])));
  const moved = adam('W_dec', direction, tangent);
  graph.output(op.div(moved, op.reduceL2(moved, [1])), 'W_dec_out');
  return graph.toBytes();
}
