import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { createCpuRuntime } from './cpuRuntime.ts';
import { GraphBuilder } from './graph.ts';
import * as op from './ops.ts';

const runtime = createCpuRuntime({ threads: 1 });

async function run(graph: GraphBuilder | Uint8Array, feeds: Record<string, Tensor>) {
  const session = await runtime.createSession(graph instanceof Uint8Array ? graph : graph.toBytes());
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => [name, Array.from(tensor.data as Float32Array)]),
  );
}

/** y = relu(2x + 1), z = y·w, with y a named value. */
function sample(): GraphBuilder {
  const graph = new GraphBuilder('sample');
  const x = graph.input('x', 'float32', ['batch', 'time', 2]);
  const y = op.identity(op.relu(op.add(op.mul(x, 2), 1)), 'y');
  const w = graph.initializer('w', 'float32', [3, 2], Float32Array.of(1, 0, 0, 1, 1, 1));
  graph.output(op.linear(y, w), 'z');
  return graph;
}

const x = () => new Tensor('float32', Float32Array.of(1, -1, 0, 2), [1, 2, 2]);

describe('a graph built from typed operators', () => {
  it('computes what it says', async () => {
    expect(await run(sample(), { x: x() })).toEqual({ z: [3, 0, 3, 1, 5, 6] });
  });

  it('keeps named dimensions through reshapes', () => {
    const [z] = sample().outputs;
    expect(z?.shape).toEqual(['batch', 'time', 3]);
  });

  it('refuses shapes that do not fit, unknown names and foreign values where they are written', () => {
    const graph = new GraphBuilder('bad');
    const a = graph.input('a', 'float32', ['batch', 3]);
    const b = graph.input('b', 'float32', ['time', 3]);
    const flags = graph.input('flags', 'bool', ['batch', 3]);
    const foreign = new GraphBuilder('other').input('a2', 'float32', [3]);
    expect(() => op.add(a, b)).toThrow(/do not broadcast/);
    expect(() => op.matMul(a, b)).toThrow(/Cannot multiply/);
    expect(() => op.add(a, flags)).toThrow(/Types differ/);
    expect(() => op.add(a, foreign)).toThrow(/not a value of the graph/);
    expect(() => graph.input('a', 'float32', [1])).toThrow(/two values called a/);
    expect(() => graph.value('nothing')).toThrow(/no value nothing/);
    expect(() => op.reshape(a, ['batch', 4])).toThrow(/Cannot reshape/);
    expect(() => graph.initializer('w', 'float32', [2, 2], Float32Array.of(1))).toThrow(/1 elements/);
    expect(() => graph.toBytes()).toThrow(/no output/);
  });
});

describe('an opened graph', () => {
  it('is cut after the given output: nothing later remains', async () => {
    const graph = GraphBuilder.open(sample().toBytes());
    graph.clearOutputs();
    graph.output(graph.value('y'));
    const bytes = graph.toBytes();
    const cut = GraphBuilder.open(bytes);
    expect(cut.find('w')).toBeUndefined();
    expect(await run(bytes, { x: x() })).toEqual({ y: [3, 0, 1, 5] });
  });

  it('is spliced at a named value: what came after sees the new value, what is spliced in sees the old one', async () => {
    const graph = GraphBuilder.open(sample().toBytes());
    graph.splice(graph.value('y'), (y) => op.mul(y, 10));
    graph.output(graph.value('y'), 'before');
    expect(await run(graph, { x: x() })).toEqual({ z: [30, 0, 30, 10, 50, 60], before: [3, 0, 1, 5] });
  });

  it('round-trips byte for byte', () => {
    const bytes = sample().toBytes();
    expect(GraphBuilder.open(bytes).toBytes()).toEqual(bytes);
  });

  it('says so when the bytes are no model', () => {
    expect(() => GraphBuilder.open(Uint8Array.of(1, 2, 3, 4))).toThrow(/not an ONNX model/);
  });
});

describe('a loop', () => {
  it('carries values along and reads the outer graph', async () => {
    const graph = new GraphBuilder('loop');
    const start = graph.input('start', 'float32', [2]);
    const stepSize = graph.input('step', 'float32', [2]);
    const [end] = op.loop(graph, 'body', 5, [start], (_inner, _iteration, [total]) => [op.add(total!, stepSize)]);
    graph.output(end!, 'end');
    const feeds = { start: new Tensor('float32', [1, 2], [2]), step: new Tensor('float32', [10, 100], [2]) };
    expect(await run(graph, feeds)).toEqual({ end: [51, 502] });
  });
});

describe('a scan', () => {
  it('goes through the rows, reads the outer graph and stacks the results', async () => {
    const graph = new GraphBuilder('scan');
    const rows = graph.input('rows', 'float32', ['steps', 2, 2]);
    const factors = graph.input('factors', 'float32', ['steps', 2]);
    const offset = graph.input('offset', 'float32', [2]);
    const [sums] = op.scan(
      graph,
      'body',
      [rows, factors],
      ([row, factor]) => {
        const sum = op.reduceSum(op.mul(row!, op.add(factor!, offset)), [1], { keepDims: false });
        return [sum, op.reduceSum(sum, null, { keepDims: false })];
      },
      ['sums', 'totals'],
    );
    expect(sums?.shape).toEqual(['steps', 2]);
    graph.output(sums!);
    graph.output(graph.value('totals'));
    const feeds = {
      rows: new Tensor('float32', [1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]),
      factors: new Tensor('float32', [0, 1, 2, 3], [2, 2]),
      offset: new Tensor('float32', [1, 0], [2]),
    };
    expect(await run(graph, feeds)).toEqual({ sums: [3, 7, 33, 45], totals: [10, 78] });
    expect(() => op.scan(graph, 'other', [rows, offset], (inner) => inner)).toThrow(/cannot go through offset/);
  });
});
