// The derivative of a graph as more nodes of the same graph: the vector–Jacobian product, in reverse mode (Linnainmaa 1970;
// Baydin et al. 2018, arXiv 1502.05767). One rule an operator (rules/), chained from the seeds back to the wanted values.
//
// Invariants: nothing is added for values that no wanted value reaches; sums are taken in the order of the nodes, so equal
// graphs have equal gradient graphs. Conditions and integers carry no gradient.
import { describe, graphError, type GraphNode, type Value } from '../graph.ts';
import * as op from '../ops.ts';
import type { Rules } from './rule.ts';
import { EXACT } from './rules.ts';

/** The gradient with respect to `value` of what is differentiated, of its type and shape: 1 for a scalar itself. */
export interface Seed {
  readonly value: Value;
  readonly gradient: Value;
}

const FLOATS: ReadonlySet<string> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

/**
 * Σ over the seeds of gradientᵀ·∂value/∂w for each wanted value w, in its shape; null where no seed depends on w.
 * @throws AppError `internal` that names an operator on the way that has no rule.
 */
export function vectorJacobianProduct(
  seeds: readonly Seed[],
  wanted: readonly Value[],
  rules: Rules = EXACT,
): (Value | null)[] {
  const nodes = seeds[0] ? seeds[0].value.graph.nodesFor(seeds.map(({ value }) => value)) : [];
  const active = activeValues(nodes, wanted, rules);
  const gradients = new Map<string, Value>();
  const accumulate = (value: Value, gradient: Value): void => {
    if (gradient.type !== value.type || gradient.shape.join() !== value.shape.join()) {
      throw graphError(`The gradient of ${describe(value)} came out as ${describe(gradient)}.`);
    }
    const sum = gradients.get(value.name);
    gradients.set(value.name, sum ? op.add(sum, gradient) : gradient);
  };
  for (const { value, gradient } of seeds) accumulate(value, gradient);

  for (const node of nodes.toReversed()) {
    const outputs = node.outputs.map((output) => gradients.get(output.name) ?? null);
    const first = outputs[0] ?? outputs.find((gradient) => gradient !== null);
    const isActive = (input: number) => active.has(node.inputs[input]?.name ?? '');
    if (!first || isConstant(node, rules) || !node.inputs.some((_, index) => isActive(index))) continue;
    const rule = Object.hasOwn(rules.table, node.opType) ? rules.table[node.opType] : undefined;
    if (!rule) {
      throw graphError(
        `There is no gradient rule for the operator ${node.opType} (at ${node.outputs[0]?.name ?? ''}).`,
      );
    }
    const pulls = rule({ node, gradient: first, gradients: outputs, isActive });
    for (const [index, input] of node.inputs.entries()) {
      const pull = pulls[index];
      if (input && pull && isActive(index)) accumulate(input, pull());
    }
  }
  return wanted.map((value) => gradients.get(value.name) ?? null);
}

/** The names of values that depend on a wanted one. */
function activeValues(nodes: readonly GraphNode[], wanted: readonly Value[], rules: Rules): ReadonlySet<string> {
  const active = new Set(wanted.map(({ name }) => name));
  for (const node of nodes) {
    if (isConstant(node, rules) || !node.inputs.some((input) => input && active.has(input.name))) continue;
    for (const output of node.outputs) if (FLOATS.has(output.type)) active.add(output.name);
  }
  return active;
}

function isConstant({ opType }: GraphNode, rules: Rules): boolean {
  return rules.constant.has(opType);
}
