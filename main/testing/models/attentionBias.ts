// Finds the biases of a GPT-2 block's queries and values from what goes into the block and what comes out of it: for
// checkpoints that have lost them. In double precision and apart from the graphs, which are compared with the same
// reference. Only tests import this file.
//
// The bias of the keys is left at zero: it adds the same number to all scores of a query, which softmax takes away again, so
// no activation after the attention depends on it. The others are the least-squares solution by Gauss-Newton, with a weak
// pull to zero (RIDGE: the ratio of the reference's rounding, about 1e-7, to a bias's usual size, about 0.01, squared) for the
// combinations that hardly change the output.
import type { TinyModel } from './tinyModels.ts';

const RIDGE = 1e-10;
const STEPS = 4;
const DELTA = 1e-4;

interface Block {
  readonly width: number;
  readonly heads: number;
  readonly epsilon: number;
  readonly tensor: (name: string) => Float32Array;
}

/** `[tokens, width]` each; the sequences lie one after another. */
export interface BlockRun {
  readonly length: number;
  readonly input: Float32Array;
  readonly output: Float32Array;
}

/** @returns `[3·width]`, the bias of `attn.c_attn`. */
export function recoverAttentionBias(
  model: TinyModel,
  index: number,
  { length, input, output }: BlockRun,
): Float32Array<ArrayBuffer> {
  const block = openBlock(model, index);
  const { width } = block;
  const unknowns = [...Array(width).keys(), ...Array.from({ length: width }, (_, i) => 2 * width + i)];
  const bias = new Float64Array(3 * width);
  const normalized = layerNorm(block, input, 'ln_1');
  const product = linear(normalized, block.tensor('attn.c_attn.weight'), new Float64Array(3 * width));
  const run = () => runBlock(block, length, input, product, bias);
  for (let step = 0; step < STEPS; step++) {
    const now = run();
    const residual = now.map((value, i) => output[i]! - value);
    const jacobian = unknowns.map((unknown) => {
      const value = bias[unknown]!;
      bias[unknown] = value + DELTA;
      const above = run();
      bias[unknown] = value - DELTA;
      const below = run();
      bias[unknown] = value;
      return above.map((each, i) => (each - below[i]!) / (2 * DELTA));
    });
    const matrix = jacobian.map((a, i) => jacobian.map((b, j) => dot(a, b) + (i === j ? RIDGE : 0)));
    const right = jacobian.map((column, i) => dot(column, residual) - RIDGE * bias[unknowns[i]!]!);
    for (const [i, change] of solve(matrix, right).entries()) bias[unknowns[i]!]! += change;
  }
  return Float32Array.from(bias);
}

/** The block's output with this bias, `[tokens, width]`. */
export function runWithBias(
  model: TinyModel,
  index: number,
  length: number,
  input: Float32Array,
  bias: ArrayLike<number>,
): Float64Array {
  const block = openBlock(model, index);
  const product = linear(
    layerNorm(block, input, 'ln_1'),
    block.tensor('attn.c_attn.weight'),
    new Float64Array(3 * block.width),
  );
  return runBlock(block, length, input, product, bias);
}

function openBlock({ config, tensors }: TinyModel, index: number): Block {
  return {
    width: Number(config['n_embd']),
    heads: Number(config['n_head']),
    epsilon: Number(config['layer_norm_epsilon']),
    tensor: (name) => Float32Array.from(tensors.get(`transformer.h.${index}.${name}`)!.values),
  };
}

/** @param product the input, normalized, times the weight of `c_attn`, without its bias. */
function runBlock(
  block: Block,
  length: number,
  input: Float32Array,
  product: Float64Array,
  bias: ArrayLike<number>,
): Float64Array {
  const mixed = attend(block, length, product, bias);
  const attended = linear(mixed, block.tensor('attn.c_proj.weight'), block.tensor('attn.c_proj.bias'));
  const middle = attended.map((value, i) => value + input[i]!);
  const hidden = linear(
    layerNorm(block, middle, 'ln_2'),
    block.tensor('mlp.c_fc.weight'),
    block.tensor('mlp.c_fc.bias'),
  );
  const active = hidden.map((x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))));
  const out = linear(active, block.tensor('mlp.c_proj.weight'), block.tensor('mlp.c_proj.bias'));
  return out.map((value, i) => value + middle[i]!);
}

function attend({ width, heads }: Block, length: number, product: Float64Array, bias: ArrayLike<number>): Float64Array {
  const size = width / heads;
  const tokens = product.length / (3 * width);
  const y = new Float64Array(tokens * width);
  const at = (token: number, column: number) => product[token * 3 * width + column]! + bias[column]!;
  for (let token = 0; token < tokens; token++) {
    const first = token - (token % length);
    for (let head = 0; head < heads; head++) {
      const scores = Array.from({ length: token - first + 1 }, (_, j) => {
        let score = 0;
        for (let i = head * size; i < (head + 1) * size; i++) score += at(token, i) * at(first + j, width + i);
        return score / Math.sqrt(size);
      });
      const largest = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - largest));
      const total = powers.reduce((sum, power) => sum + power, 0);
      for (let i = head * size; i < (head + 1) * size; i++) {
        for (const [j, power] of powers.entries())
          y[token * width + i]! += (power / total) * at(first + j, 2 * width + i);
      }
    }
  }
  return y;
}

function layerNorm({ width, epsilon, tensor }: Block, x: ArrayLike<number>, name: string): Float64Array {
  const [scale, shift] = [tensor(`${name}.weight`), tensor(`${name}.bias`)];
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    const row = Float64Array.from({ length: width }, (_, i) => x[start + i]!);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    for (let i = 0; i < width; i++)
      y[start + i] = ((row[i]! - mean) / Math.sqrt(variance + epsilon)) * scale[i]! + shift[i]!;
  }
  return y;
}

/** x·W + b for GPT-2's `[in, out]`. */
function linear(x: Float64Array, weight: Float32Array, bias: ArrayLike<number>): Float64Array {
  const out = bias.length;
  const width = weight.length / out;
  const y = new Float64Array((x.length / width) * out);
  for (let row = 0; row < x.length / width; row++) {
    for (let j = 0; j < out; j++) y[row * out + j] = bias[j]!;
    for (let i = 0; i < width; i++) {
      const value = x[row * width + i]!;
      for (let j = 0; j < out; j++) y[row * out + j]! += value * weight[i * out + j]!;
    }
  }
  return y;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Gaussian elimination with partial pivoting. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let column = 0; column < rows.length; column++) {
    const pivot = rows.reduce(
      (best, row, i) => (i > column && Math.abs(row[column]!) > Math.abs(rows[best]![column]!) ? i : best),
      column,
    );
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let i = column + 1; i < rows.length; i++) {
      const factor = rows[i]![column]! / rows[column]![column]!;
      for (let j = column; j <= rows.length; j++) rows[i]![j]! -= factor * rows[column]![j]!;
    }
  }
  const solution = new Array<number>(rows.length).fill(0);
  for (let i = rows.length - 1; i >= 0; i--) {
    let rest = rows[i]![rows.length]!;
    for (let j = i + 1; j < rows.length; j++) rest -= rows[i]![j]! * solution[j]!;
    solution[i] = rest / rows[i]![i]!;
  }
  return solution;
}
