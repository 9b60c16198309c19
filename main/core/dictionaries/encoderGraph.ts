// A dictionary as part of a graph: activations at a site in, feature activations or their reconstruction out. The formulas
// are those of dictionary.ts, with the centre folded into the bias: pre_i = ⟨w_i, x⟩ + (b_i − ⟨w_i, c⟩).
//
// The arrays become initializers (they go into the .onnx bytes, 2 GB at most) or inputs of the graph (fed with every run,
// of any size, exchangeable). Both give the same bits: the rows are the first operand of every product, and ONNX Runtime
// repacks only a constant second operand, whose sums it then takes in another order.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { Patch } from '../models/variant.ts';
import { describe, graphError, type Dim, type GraphBuilder, type Shape, type Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { Dictionary } from './dictionary.ts';
import { kindOf } from './kinds/index.ts';

export interface DictionaryGraphOptions {
  /** Which features, in this order; by default all of them. */
  readonly features?: readonly number[];
  /** By default initializers. Inputs must be fed with dictionaryFeeds of the same options. */
  readonly arrays?: 'initializers' | 'inputs';
  /** What the names of the arrays begin with: two dictionaries in one graph need two. */
  readonly name?: string;
}

/** The rows that feature activations are computed from. */
export interface EncoderRows {
  /** `[rows, d]` */
  readonly encoder: Value;
  /** `[rows, 1]`, the centre folded in. */
  readonly bias: Value;
  /** From pre-activations to activations, `[rows, positions]` both. */
  readonly select: (pre: Value) => Value;
}

/**
 * @param x `[…, d]`, commonly `[batch, time, d]`; or `[…, heads, headDim]` with heads·headDim = d (hook_z)
 * @returns feature activations `[…, features]`. Where features compete all rows are evaluated, so that any feature is exact.
 * @throws AppError `mismatch` when x is not as wide as the dictionary, `usage` for a feature it does not have.
 */
export function encodeFeatures(x: Value, dictionary: Dictionary, options: DictionaryGraphOptions = {}): Value {
  const load = loader(x.graph, dictionaryArrays(dictionary, options), options);
  const activations = encodeRows(x, dictionary.d, encoderRows(dictionary, load));
  const { features } = options;
  const isSelectedLate = kindOf(dictionary).competes && features !== undefined;
  const chosen = isSelectedLate ? op.gather(activations, x.graph.constant('int64', features)) : activations;
  return op.transpose(chosen, [...chosen.shape.keys()].slice(1).concat(0));
}

/**
 * x̂ = decoderBias + Σ f_i d_i over all features, in the shape of x.
 * @throws AppError `mismatch` when x is not as wide as the dictionary.
 */
export function reconstruct(
  x: Value,
  dictionary: Dictionary,
  options: Omit<DictionaryGraphOptions, 'features'> = {},
): Value {
  const load = loader(x.graph, dictionaryArrays(dictionary, options), options);
  const activations = encodeRows(x, dictionary.d, encoderRows(dictionary, load));
  return op.reshape(decodeRows(activations, load('decoder'), load('decoderBias')), x.shape);
}

/** The inputs that the graph asks for when its arrays are inputs. */
export function dictionaryFeeds(dictionary: Dictionary, options: DictionaryGraphOptions = {}): Record<string, Tensor> {
  return Object.fromEntries(
    dictionaryArrays(dictionary, options).map(({ name, shape, data }) => [
      fullName(name, options),
      new Tensor('float32', data(), shape),
    ]),
  );
}

/** The site's value becomes the dictionary's reconstruction of it. */
export function reconstructionPatch(
  dictionary: Dictionary,
  options: Omit<DictionaryGraphOptions, 'features'> = {},
): Patch {
  return { site: dictionary.site, apply: (x) => reconstruct(x, dictionary, options) };
}

/** The site's value becomes zero: the worst that a reconstruction is measured against. */
export function zeroPatch(site: string): Patch {
  return { site, apply: (x) => op.where(op.equal(x, x), x.graph.constant(x.type, 0), 0) };
}

/** Feature activations of all rows at all positions of x `[…, d]`: `[rows, …]`. */
export function encodeRows(x: Value, d: number, { encoder, bias, select }: EncoderRows): Value {
  const lead = leadingAxes(x, d);
  const activations = select(op.gemm(encoder, flatten(x, d), bias, { transB: true })); // [rows, positions]
  return lead.length === 1 ? activations : op.reshape(activations, [op.size(activations, 0), ...lead]);
}

/**
 * Σ f_i d_i + bias.
 * @param activations `[rows, …]`
 * @param decoder `[rows, d]`
 * @param bias `[d, 1]`, or null for none
 * @returns `[positions, d]`
 */
export function decodeRows(activations: Value, decoder: Value, bias: Value | null): Value {
  const [rows, ...lead] = activations.shape;
  if (rows === undefined) throw graphError('Feature activations have an axis of features.');
  const flat = op.reshape(activations, [rows, joined(lead)]);
  const d = op.fixedSize(decoder, 1);
  // Without a bias ONNX Runtime would fuse the transpose into the product and make the decoder its second operand.
  const zero = () => op.unsqueeze(activations.graph.constant('float32', new Array<number>(d).fill(0)), [1]);
  return op.transpose(op.gemm(decoder, flat, bias ?? zero(), { transA: true }), [1, 0]);
}

// ---- shapes ---------------------------------------------------------------------------------------------------------

/** The axes of x before those that together are d wide. @throws AppError `mismatch` when there are none such. */
export function leadingAxes(x: Value, d: number): Shape {
  let width = 1;
  for (let axis = x.shape.length - 1; axis >= 1; axis--) {
    const size = x.shape[axis];
    if (typeof size !== 'number') break;
    width *= size;
    if (width === d) return x.shape.slice(0, axis);
  }
  throw new AppError('mismatch', `A dictionary for ${d} numbers per token does not fit ${describe(x)}.`);
}

/** `[positions, d]` */
export function flatten(x: Value, d: number): Value {
  const lead = leadingAxes(x, d);
  return lead.length === 1 && x.shape.length === 2 ? x : op.reshape(x, [joined(lead), d]);
}

function joined(lead: Shape): Dim {
  if (lead.every((dim) => typeof dim === 'number')) return lead.reduce<number>((product, dim) => product * dim, 1);
  return lead.join('·');
}

// ---- arrays ---------------------------------------------------------------------------------------------------------

/** An array of a dictionary, made when it is needed. */
export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: () => Float32Array;
}

function dictionaryArrays(dictionary: Dictionary, { features }: DictionaryGraphOptions): readonly NamedArray[] {
  const { d, size, decoder, decoderBias } = dictionary;
  checkFeatures(dictionary, features ?? []);
  return [
    ...encoderArrays(dictionary, rowsRead(dictionary, features)),
    { name: 'decoder', shape: [features?.length ?? size, d], data: () => pickRows(decoder, d, features) },
    { name: 'decoderBias', shape: [d, 1], data: () => decoderBias },
  ];
}

function loader(graph: GraphBuilder, arrays: readonly NamedArray[], options: DictionaryGraphOptions) {
  return (name: string): Value => {
    const array = arrays.find((candidate) => candidate.name === name);
    if (!array) throw graphError(`This dictionary has no ${name}.`);
    const full = fullName(name, options);
    const known = graph.find(full);
    if (known) return known;
    if (options.arrays === 'inputs') return graph.input(full, 'float32', array.shape);
    return graph.initializer(full, 'float32', array.shape, array.data());
  };
}

function fullName(name: string, { name: prefix = 'dictionary' }: DictionaryGraphOptions): string {
  return `${prefix}.${name}`;
}

/** @param load an array of encoderArrays by its name */
export function encoderRows(
  dictionary: Pick<Dictionary, 'architecture' | 'k'>,
  load: (name: string) => Value,
): EncoderRows {
  return {
    encoder: load('encoder'),
    bias: load('encoderBias'),
    select: (pre) => kindOf(dictionary).select(pre, load, dictionary.k ?? 0),
  };
}

/** The rows that the activations of some features are computed from: all of them (undefined) where features compete. */
export function rowsRead(
  dictionary: Pick<Dictionary, 'architecture'>,
  features: readonly number[] | undefined,
): readonly number[] | undefined {
  return kindOf(dictionary).competes ? undefined : features;
}

/** What encoderRows loads: encoder `[rows, d]`, encoderBias `[rows, 1]`, and the kind's own arrays `[rows, 1]`. */
export function encoderArrays(dictionary: Dictionary, rows: readonly number[] | undefined): readonly NamedArray[] {
  const { d, size, encoder } = dictionary;
  const count = rows?.length ?? size;
  return [
    { name: 'encoder', shape: [count, d], data: () => pickRows(encoder, d, rows) },
    { name: 'encoderBias', shape: [count, 1], data: () => foldedBias(dictionary, rows) },
    ...kindOf(dictionary).perFeature.map((name) => ({
      name,
      shape: [count, 1],
      data: () => perFeatureRows(dictionary, name, rows),
    })),
  ];
}

/** Of rows, one of the arrays that their kind selects by. */
export function perFeatureRows(
  { perFeature, architecture }: Dictionary,
  name: string,
  rows: readonly number[] | undefined,
): Float32Array {
  const array = perFeature[name];
  if (array) return pickRows(array, 1, rows);
  throw new AppError('internal', `A ${architecture} dictionary has no ${name}.`);
}

/** @throws AppError `usage` */
export function checkFeatures({ size, site }: Dictionary, features: readonly number[]): void {
  for (const feature of features) {
    if (Number.isInteger(feature) && feature >= 0 && feature < size) continue;
    throw new AppError('usage', `The dictionary of ${site} has the features 0 to ${size - 1}, but not ${feature}.`, {
      details: { feature, size },
    });
  }
}

/** Rows of a matrix `[n, width]`; all of them where none are named. */
export function pickRows(matrix: Float32Array, width: number, rows: readonly number[] | undefined): Float32Array {
  if (rows === undefined) return matrix;
  const picked = new Float32Array(rows.length * width);
  for (const [to, from] of rows.entries()) picked.set(matrix.subarray(from * width, (from + 1) * width), to * width);
  return picked;
}

/** b_i − ⟨w_i, c⟩, the product in double precision. */
export function foldedBias(dictionary: Dictionary, rows: readonly number[] | undefined): Float32Array {
  const { d, size, encoder, encoderBias, centre } = dictionary;
  const result = new Float32Array(rows?.length ?? size);
  for (let index = 0; index < result.length; index++) {
    const row = rows?.[index] ?? index;
    let product = 0;
    for (let j = 0; j < d; j++) product += (encoder[row * d + j] as number) * (centre[j] as number);
    result[index] = (encoderBias[row] as number) - product;
  }
  return result;
}
