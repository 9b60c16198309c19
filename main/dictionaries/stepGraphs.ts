// The graphs of one training step on a device whose memory is ours (the CPU). Their caller (blockStep.ts) walks them over
// blocks of tokens and of features, so that what is gathered stays in the processor's cache.
//
// With x a normalised activation, f = act(W_enc x + b_enc), x̂ = W_decᵀ f + b_dec, e = x̂ − x and the loss mean_t ‖e_t‖²:
//   ∂/∂x̂_t = 2 e_t / batch,   ∂/∂f_ti = 2 ⟨e_t, d_i⟩ / batch =: g_ti where f_ti > 0,
//   ∂/∂d_i = Σ_t f_ti · 2 e_t / batch,   ∂/∂w_i = Σ_t g_ti x_t,   ∂/∂b_i = Σ_t g_ti.
// AuxK (Gao et al. 2024): the dead features with the largest pre-activations reconstruct r = x − x̂ in the same way, with the
// loss mean_t ‖r̂_t − r_t‖² on them alone; its gradient reaches their encoder rows as well.
import { GraphBuilder, type Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { TrainingConfig } from './trainingConfig.ts';

/**
 * normalised = (x − mean)·scale and pre-activations normalised·W_encᵀ + b_enc.
 * Inputs: x `[batch, d]`, mean `[d]`, scale `[]`, W_enc `[n, d]`, b_enc `[n]`.
 * Outputs: normalised `[batch, d]`, squaredNorm `[]` = Σ‖x‖² and, with `candidates` null, pre `[batch, n]`; else the `candidates` largest of every
 *   row, values and indices `[batch, candidates]`.
 */
export function encodeGraph({ d, size }: TrainingConfig, candidates: number | null): Uint8Array {
  const graph = new GraphBuilder('encode');
  const x = graph.input('x', 'float32', ['batch', d]);
  const mean = graph.input('mean', 'float32', [d]);
  const scale = graph.input('scale', 'float32', []);
  const normalised = op.mul(op.sub(x, mean), scale);
  const encoder = graph.input('W_enc', 'float32', [size, d]);
  const pre = op.gemm(normalised, encoder, graph.input('b_enc', 'float32', [size]), { transB: true });
  graph.output(normalised, 'normalised');
  graph.output(op.reduceSumSquare(normalised, null, { keepDims: false }), 'squaredNorm');
  outputCandidates(graph, pre, candidates);
  return graph.toBytes();
}

function outputCandidates(graph: GraphBuilder, pre: Value, candidates: number | null): void {
  if (candidates === null) {
    graph.output(pre, 'pre');
    return;
  }
  const { values, indices } = op.topK(pre, candidates, { sorted: false });
  graph.output(values, 'values');
  graph.output(indices, 'indices');
}

/**
 * The pre-activations of some features only, and the `auxK` largest of every token.
 * Inputs: target `[batch, d]`, features int32 `[m]`, W_enc `[n, d]`, b_enc `[n, 1]`.
 * Outputs: values and indices (into `features`) `[batch, auxK]`.
 */
export function encodeSomeGraph({ d, size }: TrainingConfig, auxK: number): Uint8Array {
  const graph = new GraphBuilder('encodeSome');
  const target = graph.input('target', 'float32', ['batch', d]);
  const features = graph.input('features', 'int32', ['m']);
  const rows = op.gather(graph.input('W_enc', 'float32', [size, d]), features);
  const bias = op.gather(graph.input('b_enc', 'float32', [size, 1]), features);
  const pre = op.gemm(target, rows, op.transpose(bias, [1, 0]), { transB: true });
  outputCandidates(graph, pre, auxK);
  return graph.toBytes();
}

/**
 * Decodes a block of tokens from their lists of features, and tells what each feature would have had to do better.
 * Inputs: tokens int32 `[lists]`, columns int32 `[lists, length]` (features), values `[lists, length]`,
 *   wanted `[batch, d]`, W_dec `[n, d]`, b_dec `[d]`.
 * Outputs: error `[lists, d]` = reconstruction − wanted, target `[lists, d]` = wanted (both in the order of `tokens`),
 *   alignment `[lists, length]` = ⟨e_t, d_i⟩, squaredError `[]` = Σ‖e_t‖², errorSum `[d]` = Σ e_t.
 */
export function decodeGraph({ d, size }: TrainingConfig): Uint8Array {
  const graph = new GraphBuilder('decode');
  const tokens = graph.input('tokens', 'int32', ['lists']);
  const columns = graph.input('columns', 'int32', ['lists', 'length']);
  const values = graph.input('values', 'float32', ['lists', 'length']);
  const wanted = graph.input('wanted', 'float32', ['batch', d]);
  const decoder = graph.input('W_dec', 'float32', [size, d]);
  const bias = graph.input('b_dec', 'float32', [d]);
  const directions = op.gather(decoder, columns); // [lists, length, d]
  const reconstruction = op.squeeze(op.matMul(op.unsqueeze(values, [1]), directions), [1]); // [lists, d]
  const target = op.gather(wanted, tokens);
  const error = op.sub(op.add(reconstruction, bias), target);
  graph.output(op.squeeze(op.matMul(directions, op.unsqueeze(error, [2])), [2]), 'alignment');
  graph.output(error, 'error');
  graph.output(target, 'target');
  graph.output(op.reduceSumSquare(error, null, { keepDims: false }), 'squaredError');
  graph.output(op.reduceSum(error, [0], { keepDims: false }), 'errorSum');
  return graph.toBytes();
}

/**
 * Adam (Kingma & Ba 2015) on the encoder and decoder rows of a block of features. The other rows rest: a feature that does not fire has no
 * gradient, and its moments decay by the right power when it fires next (`decay1`, `decay2`), so no step touches more
 * memory than it must. The second moment is one number per row (Adam-mini, arXiv 2406.16793): EMA of mean_j g_ij².
 * The decoder's gradient loses its part along the row, and the row returns to unit norm.
 *
 * Inputs: features int32 `[lists]`, columns int32 `[lists, length]` (tokens), activations and gradients `[lists, length]`
 *   (f_ti and g_ti), target and error `[batch, d]`, errorScale `[]` (2/batch), the parameters and moments, and per row
 *   `[lists, 1]`: decay1, decay2, stepSize (learning rate / weight of the first moment), correction2 (1 / weight of the
 *   second moment).
 * Outputs: the block's new rows of every parameter and moment, NAME_out `[lists, width]`.
 */
export function updateGraph({ d, size, beta1, beta2, epsilon }: TrainingConfig): Uint8Array {
  const graph = new GraphBuilder('update');
  const features = graph.input('features', 'int32', ['lists']);
  const columns = graph.input('columns', 'int32', ['lists', 'length']);
  const activations = graph.input('activations', 'float32', ['lists', 'length']);
  const gradients = graph.input('gradients', 'float32', ['lists', 'length']);
  const target = graph.input('target', 'float32', ['batch', d]);
  const error = graph.input('error', 'float32', ['batch', d]);
  const errorScale = graph.input('errorScale', 'float32', []);
  const perRow = (name: string) => graph.input(name, 'float32', ['lists', 1]);
  const [decay1, decay2, stepSize, correction2] = [
    perRow('decay1'),
    perRow('decay2'),
    perRow('stepSize'),
    perRow('correction2'),
  ];

  const rowsOf = (name: string, width: number) => op.gather(graph.input(name, 'float32', [size, width]), features);
  /** `scaledGradient` is (1 − β1)·gradient: that constant is cheaper on the lists' values than on `[lists, d]`. */
  const adam = (name: string, old: Value, scaledGradient: Value): Value => {
    const mean = op.add(op.mul(rowsOf(`${name}_mean`, d), decay1), scaledGradient);
    const meanSquare = op.mul(op.reduceSumSquare(scaledGradient, [1]), (1 - beta2) / (d * (1 - beta1) ** 2));
    const square = op.add(op.mul(rowsOf(`${name}_square`, 1), decay2), meanSquare);
    const size = op.div(stepSize, op.add(op.sqrt(op.mul(square, correction2)), epsilon));
    graph.output(mean, `${name}_mean_out`);
    graph.output(square, `${name}_square_out`);
    return op.sub(old, op.mul(mean, size));
  };
  const weightedRows = (values: Value, from: Value) =>
    op.squeeze(op.matMul(op.unsqueeze(values, [1]), op.gather(from, columns)), [1]); // [lists, d]

  const scaledGradients = op.mul(gradients, 1 - beta1);
  graph.output(adam('W_enc', rowsOf('W_enc', d), weightedRows(scaledGradients, target)), 'W_enc_out');

  const direction = rowsOf('W_dec', d);
  const gradient = weightedRows(op.mul(op.mul(activations, errorScale), 1 - beta1), error);
  const tangent = op.sub(gradient, op.mul(direction, op.reduceSum(op.mul(gradient, direction), [1])));
  const moved = adam('W_dec', direction, tangent);
  graph.output(op.div(moved, op.reduceL2(moved, [1])), 'W_dec_out');
  return graph.toBytes();
}
