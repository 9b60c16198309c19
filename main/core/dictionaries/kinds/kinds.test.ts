// Every kind of dictionary: its graph, its Python and its files against its slow form, which is read against the paper.
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { TRAINED_KIND_NAMES } from '../../../contract/domain/dictionaryKinds.ts';
import { runtime } from '../../../testing/models/runVariant.ts';
import { temporaryFolder } from '../../../testing/models/temporaryFolder.ts';
import { HOOK_PYTHON } from '../../export/forms/huggingface/hookPython.ts';
import { Random } from '../../numerics/random.ts';
import { GraphBuilder } from '../../onnx/graph.ts';
import { GATE_BIAS } from './gated.ts';
import { DICTIONARY_KINDS, kindOf, kindOfSaeLens, type DictionaryKind } from './index.ts';
import type { PerFeature } from './kind.ts';

const python = process.env['ERRATA_PYTHON'] ?? 'python3';
const hasNumpy = spawnSync(python, ['-c', 'import numpy']).status === 0;
if (!hasNumpy) console.log('skipped: the Python of each kind of dictionary, because this Python has no numpy');
const SELECTIONS = fileURLToPath(new URL('../../../testing/export/selections.py', import.meta.url));

const ROWS = 24;
const POSITIONS = 40;
/** Divides the rows: the groups of groupmax are equal. */
const K = 4;

function randomPerFeature(architecture: DictionaryKind, random: Random): PerFeature {
  const { perFeature } = kindOf({ architecture });
  return Object.fromEntries(
    perFeature.map((name) => [name, Float32Array.from({ length: ROWS }, () => 0.1 + random.uniform())]),
  );
}

/** Of `[rows, positions]`, one position. */
function columnOf(matrix: ArrayLike<number>, position: number): Float64Array {
  return Float64Array.from({ length: ROWS }, (_, row) => matrix[row * POSITIONS + position] ?? NaN);
}

function normals(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.normal());
}

describe.each(DICTIONARY_KINDS)('the kind %s', (architecture) => {
  const kind = kindOf({ architecture });

  it('selects in a graph as in its slow form, ties and values on a threshold included', async () => {
    const random = new Random(1);
    const perFeature = randomPerFeature(architecture, random);
    const pre = normals(random, ROWS * POSITIONS);
    pre.fill(0.75, 0, 3 * POSITIONS); // three features that are equal everywhere
    for (const threshold of Object.values(perFeature))
      pre.set(threshold.map((value) => value).subarray(4, 5), 4 * POSITIONS);
    const graph = new GraphBuilder('select');
    const input = graph.input('pre', 'float32', [ROWS, 'positions']);
    const load = (name: string) => graph.find(name) ?? graph.input(name, 'float32', [ROWS, 1]);
    graph.output(kind.select(input, load, K), 'activations');
    const session = await runtime.createSession(graph.toBytes());
    const arrays = Object.entries(perFeature).map(([name, data]) => [name, new Tensor('float32', data, [ROWS, 1])]);
    const { activations } = await session.run({
      pre: new Tensor('float32', pre, [ROWS, POSITIONS]),
      ...(Object.fromEntries(arrays) as Record<string, Tensor>),
    });
    await session.release();
    const found = activations?.data as Float32Array;
    expect(activations?.dims).toEqual([ROWS, POSITIONS]);
    let [fires, silent] = [0, 0];
    for (let position = 0; position < POSITIONS; position++) {
      const { values } = kind.selectSlowly(columnOf(pre, position), perFeature, K);
      for (const [row, value] of values.entries()) {
        const activation = found[row * POSITIONS + position] ?? NaN;
        if (value === 0) expect(activation).toBe(0);
        else expect(Math.abs(activation - value)).toBeLessThan(1e-5 * Math.max(1, value));
        if (value > 0) fires += 1;
        else silent += 1;
      }
    }
    expect(Math.min(fires, silent)).toBeGreaterThan(ROWS);
  });

  it('fires exactly where a pre-activation exceeds its bar, and is 0 elsewhere', () => {
    const random = new Random(2);
    const perFeature = randomPerFeature(architecture, random);
    let fires = 0;
    for (let position = 0; position < POSITIONS; position++) {
      const pre = Float64Array.from({ length: ROWS }, () => random.normal());
      const { values, bar } = kind.selectSlowly(pre, perFeature, K);
      for (const [row, value] of values.entries()) {
        expect(value > 0).toBe((pre[row] ?? NaN) > bar(row));
        if (value > 0) fires += 1;
        else expect(value).toBe(0);
      }
    }
    expect(fires).toBeGreaterThan(POSITIONS);
  });

  it('begins to fire with the activation that its jump says', () => {
    const random = new Random(3);
    const perFeature = randomPerFeature(architecture, random);
    if (kind.competes) {
      expect(Array.from({ length: ROWS }, (_, row) => kind.jump(perFeature, row))).toEqual(new Array(ROWS).fill(0));
      return;
    }
    const { bar } = kind.selectSlowly(new Float64Array(ROWS), perFeature, 0);
    const just = Float64Array.from({ length: ROWS }, (_, row) => bar(row) + 1e-9);
    const { values } = kind.selectSlowly(just, perFeature, 0);
    for (const [row, value] of values.entries()) {
      expect(value).toBeGreaterThan(0);
      expect(Math.abs(value - kind.jump(perFeature, row))).toBeLessThan(1e-7);
    }
  });

  it('has the arrays again that its tensors in a file were made from', async () => {
    const random = new Random(4);
    const encoderBias = normals(random, ROWS);
    const drawn = randomPerFeature(architecture, random);
    // In a file that was never moved to another centre the two are one tensor.
    const perFeature = GATE_BIAS in drawn ? { ...drawn, [GATE_BIAS]: encoderBias } : drawn;
    const arrays = { encoderBias, perFeature };
    const { architecture: saved } = kind.saeLens;
    expect(kindOfSaeLens(saved, architecture)).toBe(kind);
    const tensors = kind.saeLens.tensors(arrays);
    const asked: string[] = [];
    const read = await kind.saeLens.read((name) => {
      asked.push(name);
      return Promise.resolve(tensors[name] ?? new Float32Array(0));
    });
    expect(asked.sort()).toEqual(Object.keys(tensors).sort());
    expect(Object.keys(read.perFeature)).toEqual(kind.perFeature);
    const all = (each: typeof arrays | typeof read) => [each.encoderBias, ...Object.values(each.perFeature)];
    for (const [index, array] of all(arrays).entries()) {
      for (const [row, value] of array.entries()) expect(all(read)[index]?.[row]).toBeCloseTo(value, 5);
    }
  });
});

it('the kinds that can be trained are those that the contract offers', () => {
  const trained = DICTIONARY_KINDS.filter((architecture) => kindOf({ architecture }).training !== undefined);
  expect([...trained].sort()).toEqual([...TRAINED_KIND_NAMES].sort());
});

it.skipIf(!hasNumpy)(
  'every kind selects in errata_edit.py as in its slow form',
  async () => {
    const random = new Random(5);
    const d = 3;
    const matrix = (rows: number) =>
      Array.from({ length: rows }, () => Array.from({ length: d }, () => random.normal()));
    const [encoder, x] = [matrix(ROWS), matrix(POSITIONS)];
    const bias = Array.from({ length: ROWS }, () => random.normal());
    const cases = DICTIONARY_KINDS.map((architecture) => ({
      architecture,
      perFeature: randomPerFeature(architecture, random),
    }));
    const path = join(await temporaryFolder(), 'errata_edit.py');
    await writeFile(path, HOOK_PYTHON);
    const input = cases.map(({ architecture, perFeature }) => {
      const rows = Object.fromEntries(Object.entries(perFeature).map(([name, values]) => [name, [...values]]));
      return { architecture, k: K, x: [x], rows: { ...rows, encoder, encoder_bias: bias } };
    });
    const { status, stdout, stderr } = spawnSync(python, ['-B', SELECTIONS, path], {
      input: JSON.stringify(input),
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const results = JSON.parse(stdout) as number[][][][];
    for (const [index, { architecture, perFeature }] of cases.entries()) {
      let fires = 0;
      for (const [position, each] of x.entries()) {
        const pre = Float64Array.from(encoder, (row, at) =>
          row.reduce((sum, value, j) => sum + value * (each[j] ?? NaN), bias[at] ?? NaN),
        );
        for (const [row, value] of kindOf({ architecture }).selectSlowly(pre, perFeature, K).values.entries()) {
          expect(results[index]?.[0]?.[position]?.[row], architecture).toBeCloseTo(value, 12);
          if (value > 0) fires += 1;
        }
      }
      expect(fires, architecture).toBeGreaterThan(POSITIONS);
    }
  },
  60_000,
);
