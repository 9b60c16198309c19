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

/** (act(x·W_gate)·(x·W_up))·W_down (Shazeer 2020). The site `mlp.hook_post` is the gated product. */
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

interface GatedFeedForward {
  readonly activation: Activation;
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;
}
