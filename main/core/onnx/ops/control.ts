// Control flow: subgraphs that run many times.
import { describe, graphError, type GraphBuilder, type OutputSpec, type Value } from '../graph.ts';

/**
 * Runs `body` a fixed number of times, carrying values along: `body(iteration, …carried) → carried'`. Types and shapes of
 * the carried values stay.
 */
export function loop(
  graph: GraphBuilder,
  name: string,
  count: Value | number,
  carried: readonly Value[],
  body: (inner: GraphBuilder, iteration: Value, carried: readonly Value[]) => readonly Value[],
): Value[] {
  const inner = graph.subgraph(name);
  const iteration = inner.input(`${name}/iteration`, 'int64', []);
  const condition = inner.input(`${name}/condition`, 'bool', []);
  const inputs = carried.map((value, index) => inner.input(`${name}/carried.${index}`, value.type, value.shape));
  inner.output(condition, `${name}/continue`);
  const results = body(inner, iteration, inputs);
  if (results.length !== carried.length) throw graphError(`The body of ${name} must return ${carried.length} values.`);
  for (const [index, result] of results.entries()) {
    const before = carried[index] as Value;
    if (result.type !== before.type || result.shape.join() !== before.shape.join()) {
      throw graphError(`The body of ${name} turns ${describe(before)} into ${describe(result)}.`);
    }
    inner.output(result, `${name}/next.${index}`);
  }
  const trips = typeof count === 'number' ? graph.constant('int64', count) : count;
  return graph.node(
    'Loop',
    [trips, graph.constant('bool', 1), ...carried],
    carried.map((value) => ({ type: value.type, shape: value.shape })),
    { attributes: { body: { graph: inner } } },
  );
}

/**
 * Runs `body` once for every row of the first axis, which all inputs share, and stacks what it returns:
 * inputs `[steps, …]`, `body(…rows) → results`, outputs `[steps, …]` called `names` where given.
 */
export function scan(
  graph: GraphBuilder,
  name: string,
  inputs: readonly Value[],
  body: (rows: readonly Value[]) => readonly Value[],
  names: readonly string[] = [],
): Value[] {
  const inner = graph.subgraph(name);
  const steps = inputs[0]?.shape[0];
  const rows = inputs.map((input, index) => {
    const [first, ...rest] = input.shape;
    if (first === undefined || first !== steps) throw graphError(`${name} cannot go through ${describe(input)}.`);
    return inner.input(`${name}/row.${index}`, input.type, rest);
  });
  if (steps === undefined) throw graphError(`${name} has nothing to go through.`);
  const outputs = body(rows).map((result, index) => {
    const value = inner.output(result);
    const output: OutputSpec = { type: value.type, shape: [steps, ...value.shape] };
    const outputName = names[index];
    return outputName === undefined ? output : { ...output, name: outputName };
  });
  const attributes = { num_scan_inputs: { int: inputs.length }, body: { graph: inner } };
  return graph.node('Scan', inputs, outputs, { attributes });
}
