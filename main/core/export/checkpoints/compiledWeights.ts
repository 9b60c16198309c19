// An edit compiled into weights: which tensors change and how, and the same maps as patches of a graph, which is what the
// compiled checkpoint is compared with.
//   W' = W + Σ (c−1) d̂ d̂ᵀ W for what is written (all projections of a site read the same W), b' = b + Σ α d for steers,
// with c−1 the slope of an operation that reads the stream, and α the offset of one that reads nothing.
// Sums are in double precision and rounded once, to float32.
import type { Edit } from '../../../contract/domain/edit.ts';
import { lineOf, OPERATIONS, type Operation } from '../../../contract/domain/operations/index.ts';
import type { Dictionaries } from '../../edits/editPatches.ts';
import type { Model } from '../../models/model.ts';
import type { Patch } from '../../models/variant.ts';
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/ops.ts';
import type { WeightPlan } from './weightPlan.ts';

/** What happens to a vector of the stream. */
export type VectorChange =
  | { readonly kind: 'project'; readonly terms: readonly ProjectionTerm[] }
  | { readonly kind: 'add'; readonly vector: Float64Array };

interface ProjectionTerm {
  /** c − 1 */
  readonly gain: number;
  /** Of unit norm. */
  readonly direction: Float64Array;
}

export interface TensorChange {
  readonly streamAxis: 0 | 1;
  /** One after another. */
  readonly changes: readonly VectorChange[];
}

export interface CompiledWeights {
  /** By the name of the tensor. */
  readonly tensors: ReadonlyMap<string, TensorChange>;
  /** At every write instead of in the weights. */
  readonly patches: readonly Patch[];
}

export function compileWeights(plan: WeightPlan, edit: Edit, dictionaries: Dictionaries): CompiledWeights {
  const tensors = new Map<string, TensorChange>();
  const patches: Patch[] = [];
  const change = (tensor: string, streamAxis: 0 | 1, one: VectorChange) => {
    const known = tensors.get(tensor);
    tensors.set(tensor, { streamAxis, changes: [...(known?.changes ?? []), one] });
  };
  for (const { site, writers, constant } of plan.steps) {
    const here = edit.operations.filter((operation) => operation.site === site);
    const terms = here.flatMap((operation) => termOf(operation, dictionaries));
    if (terms.length > 0) {
      const project = { kind: 'project', terms } as const;
      for (const { weight, streamAxis, bias } of writers) {
        change(weight, streamAxis, project);
        if (bias !== null) change(bias, 1, project);
      }
      for (const place of new Set(writers.map((writer) => writer.site))) patches.push(patchOf(place, project));
    }
    if (constant) {
      const add = { kind: 'add', vector: constantOf(here, dictionaries) } as const;
      change(constant.tensor, 1, add);
      patches.push(patchOf(constant.site, add));
    }
  }
  return { tensors, patches };
}

/** Nothing for a row of zeros, which has no direction. */
function termOf(operation: Operation, dictionaries: Dictionaries): ProjectionTerm[] {
  if (OPERATIONS[operation.kind].reads !== 'stream') return [];
  const row = rowOf(operation, dictionaries);
  const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
  return norm > 0 ? [{ gain: lineOf(operation).slope, direction: row.map((value) => value / norm) }] : [];
}

function constantOf(operations: readonly Operation[], dictionaries: Dictionaries): Float64Array {
  const sum = new Float64Array(dictionaries.get(operations[0]?.dictionary ?? '')?.d ?? 0);
  for (const operation of operations) {
    if (OPERATIONS[operation.kind].reads !== 'nothing') continue;
    const { offset } = lineOf(operation);
    for (const [j, value] of rowOf(operation, dictionaries).entries()) {
      sum[j] = (sum[j] ?? 0) + offset * value;
    }
  }
  return sum;
}

function rowOf({ dictionary, feature }: Operation, dictionaries: Dictionaries): Float64Array {
  const found = dictionaries.get(dictionary);
  return Float64Array.from(found?.decoder.subarray(feature * found.d, (feature + 1) * found.d) ?? []);
}

/**
 * A changed tensor.
 * @param values row-major, `[rows, columns]`; a vector is one row.
 */
export function changeTensor(
  values: Float32Array,
  [rows, columns]: readonly [number, number],
  { streamAxis, changes }: TensorChange,
): Float32Array<ArrayBuffer> {
  const [width, count] = streamAxis === 1 ? [columns, rows] : [rows, columns];
  const place = (vector: number, j: number) => (streamAxis === 1 ? vector * width + j : j * count + vector);
  const result = new Float32Array(values.length);
  const vector = new Float64Array(width);
  for (let index = 0; index < count; index++) {
    for (let j = 0; j < width; j++) vector[j] = values[place(index, j)]!;
    for (const change of changes) applyChange(vector, change);
    for (let j = 0; j < width; j++) result[place(index, j)] = vector[j]!;
  }
  return result;
}

function applyChange(vector: Float64Array, change: VectorChange): void {
  if (change.kind === 'add') {
    for (let j = 0; j < vector.length; j++) vector[j]! += change.vector[j]!;
    return;
  }
  const gains = change.terms.map(({ gain, direction }) => gain * dot(vector, direction)); // all before any is added
  for (const [index, { direction }] of change.terms.entries()) {
    for (let j = 0; j < vector.length; j++) vector[j]! += gains[index]! * direction[j]!;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

function patchOf(site: string, change: VectorChange): Patch {
  return {
    site,
    apply: (x) => (change.kind === 'add' ? op.add(x, rowOfGraph(x, change.vector)) : project(x, change.terms)),
  };
}

function project(x: Value, terms: readonly ProjectionTerm[]): Value {
  return terms
    .map(({ gain, direction }) => {
      const along = op.reduceSum(op.mul(x, rowOfGraph(x, direction)), [-1]);
      return op.mul(
        along,
        rowOfGraph(
          x,
          direction.map((value) => gain * value),
        ),
      );
    })
    .reduce((sum, delta) => op.add(sum, delta), x);
}

function rowOfGraph(x: Value, row: Float64Array): Value {
  return x.graph.constant('float32', Array.from(row, Math.fround));
}

/** Whether the output head reads a tensor that changes: then the two must part. */
export function mustUntie({ head, embedding }: Model['writers'], { tensors }: CompiledWeights): boolean {
  return head.sharesEmbedding && tensors.has(embedding.weight);
}
