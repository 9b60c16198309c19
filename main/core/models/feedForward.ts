// The feed-forward layer of a block and the activation functions that config.json can name.
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { ConfigFields } from './config.ts';
import type { ModelGraph } from './modelGraph.ts';

export type Activation = (x: Value) => Value;

/** By the names transformers uses. The several tanh approximations of GELU are one formula. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: op.gelu,
  gelu_python: op.gelu,
  gelu_new: op.geluTanh,
  gelu_fast: op.geluTanh,
  gelu_pytorch_tanh: op.geluTanh,
  gelu_accurate: op.geluTanh,
  quick_gelu: (x) => op.mul(x, op.sigmoid(op.mul(x, 1.702))),
  relu: op.relu,
  silu: op.silu,
  swish: op.silu,
  tanh: op.tanh,
};

/** @throws AppError `unsupported` for a name we do not know. */
export function readActivation(fields: ConfigFields, key: string, fallback: string): Activation {
  const name = fields.text(key, fallback);
  const activation = Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name] : undefined;
  if (activation) return activation;
  throw fields.error('unsupported', `the activation function "${name}" is not supported.`);
}

interface Linear {
  readonly weight: Value;
  readonly bias?: Value | null;
}

/** act(x·W_in + b)·W_out + b'; `transposed` as in op.linear. The site is `mlp.hook_post`. */
export function feedForward(
  model: ModelGraph,
  block: number,
  x: Value,
  { activation, input, output, transposed = false }: PlainFeedForward,
): Value {
  const hidden = activation(op.linear(x, input.weight, input.bias ?? null, { transposed }));
  const post = model.site(`blocks.${block}.mlp.hook_post`, hidden);
  return op.linear(post, output.weight, output.bias ?? null, { transposed });
}

interface PlainFeedForward {
  readonly activation: Activation;
  readonly input: Linear;
  readonly output: Linear;
  readonly transposed?: boolean;
}

/** (act(x·W_gate)·(x·W_up))·W_down (Shazeer 2020), of a layer that is part of a larger one: it has no site. */
export function gatedProduct(x: Value, { gate, up, down }: GatedWeights, activation: Activation): Value {
  const opened = activation(op.linear(x, gate.weight, gate.bias ?? null));
  return op.linear(op.mul(opened, op.linear(x, up.weight, up.bias ?? null)), down.weight, down.bias ?? null);
}

interface FusedExperts {
  readonly hiddenSize: number;
  readonly experts: number;
  readonly width: number;
  readonly limit: number;
}

/** In the gate of GPT-OSS, x·σ(1.702·x) stands for GELU (Hendrycks and Gimpel 2016). */
const SIGMOID_GELU = 1.702;

/**
 * The experts of GPT-OSS (OpenAI 2025): (min(g, c)·σ(1.702·min(g, c))·(1 + clip(u, ±c)))·W_down + b, where g and u are every
 * other column of x·W_gate_up + b, and all experts stand in one tensor `[experts, in, out]`.
 */
export function clampedExperts(
  weight: (name: string, ...shape: number[]) => Value,
  { hiddenSize, experts, width, limit }: FusedExperts,
): (x: Value, index: number) => Value {
  const own = (name: string, index: number, ...shape: number[]) =>
    op.squeeze(op.slice(weight(name, experts, ...shape), 0, index, index + 1), [0]);
  return (x, index) => {
    const into = own('gate_up_proj', index, hiddenSize, 2 * width);
    const both = op.linear(x, into, own('gate_up_proj_bias', index, 2 * width), { transposed: true });
    const pairs = op.reshape(both, [...x.shape.slice(0, -1), width, 2]);
    const [gate, up] = op.split(pairs, [1, 1], -1).map((half) => op.squeeze(half, [-1])) as [Value, Value];
    const cut = op.min(gate, limit);
    const opened = op.mul(cut, op.sigmoid(op.mul(cut, SIGMOID_GELU)));
    const hidden = op.mul(op.add(op.max(op.min(up, limit), -limit), 1), opened);
    const out = own('down_proj', index, width, hiddenSize);
    return op.linear(hidden, out, own('down_proj_bias', index, hiddenSize), { transposed: true });
  };
}

/** As gatedProduct. The site `mlp.hook_post` is what goes into the last product. */
export function gatedFeedForward(
  model: ModelGraph,
  block: number,
  x: Value,
  { activation, gate, up, down }: GatedFeedForward,
): Value {
  const opened = activation(op.linear(x, gate.weight, gate.bias ?? null));
  const hidden = op.mul(opened, op.linear(x, up.weight, up.bias ?? null));
  const post = model.site(`blocks.${block}.mlp.hook_post`, hidden);
  return op.linear(post, down.weight, down.bias ?? null);
}

/** As gatedFeedForward, with gate and up as the two halves of one product (Phi 3). */
export function fusedFeedForward(
  model: ModelGraph,
  block: number,
  x: Value,
  { activation, gateAndUp, down }: Pick<GatedFeedForward, 'activation' | 'down'> & { readonly gateAndUp: Linear },
): Value {
  const both = op.linear(x, gateAndUp.weight, gateAndUp.bias ?? null);
  const width = op.fixedSize(both, -1) / 2;
  const [opened, up] = op.split(both, [width, width], -1) as [Value, Value];
  const post = model.site(`blocks.${block}.mlp.hook_post`, op.mul(activation(opened), up));
  return op.linear(post, down.weight, down.bias ?? null);
}

export interface GatedWeights {
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;
}

interface GatedFeedForward extends GatedWeights {
  readonly activation: Activation;
}
