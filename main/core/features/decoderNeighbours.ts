// The nearest features by the direction that they write: cosine similarity of decoder rows, block by block in the engine.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { Runtime } from '../onnx/runtime.ts';

export interface DecoderNeighbours {
  /** `[size, count]`: the nearest first, the feature itself left out; −1 where there are no more. */
  readonly features: Int32Array;
  /** `[size, count]`: ⟨d_i, d_j⟩ / (‖d_i‖·‖d_j‖); 0 for a feature whose decoder row is zero. */
  readonly cosines: Float32Array;
}

export interface NeighbourOptions {
  readonly runtime: Runtime;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
}

/** Similarities computed in one run, in bytes. */
const BLOCK_BYTES = 32 << 20;

export async function decoderNeighbours(
  dictionary: Pick<Dictionary, 'd' | 'size' | 'decoder'>,
  count: number,
  options: NeighbourOptions,
): Promise<DecoderNeighbours> {
  const { d, size } = dictionary;
  const candidates = Math.min(size, count + 1);
  const rows = unitRows(dictionary.decoder, d);
  const near = await nearestRows(rows, rows, { width: d, count: candidates }, options);
  const result = { features: new Int32Array(size * count).fill(-1), cosines: new Float32Array(size * count) };
  for (let feature = 0; feature < size; feature++) {
    let place = 0;
    for (let at = feature * candidates; at < (feature + 1) * candidates && place < count; at++) {
      if (near.features[at] === feature) continue;
      result.features[feature * count + place] = near.features[at]!;
      result.cosines[feature * count + place] = near.cosines[at]!;
      place++;
    }
  }
  return result;
}

/**
 * For each row `[rows, width]` the `count` rows of `all` `[size, width]` with the largest inner product, the largest first:
 * cosines, where all have length 1. Both are `[rows, count]`.
 * @throws AppError `cancelled`.
 */
export async function nearestRows(
  rows: Float32Array,
  all: Float32Array,
  { width, count }: { readonly width: number; readonly count: number },
  { runtime, signal, onWork }: NeighbourOptions,
): Promise<DecoderNeighbours> {
  const [total, size] = [rows.length / width, all.length / width];
  const session = await runtime.createSession(nearestGraph(width, size, count));
  const among = new Tensor('float32', all, [size, width]);
  const perBlock = Math.max(1, Math.min(total, Math.floor(BLOCK_BYTES / 4 / size)));
  const result = { features: new Int32Array(total * count), cosines: new Float32Array(total * count) };
  try {
    for (let first = 0; first < total; first += perBlock) {
      signal?.throwIfAborted();
      const end = Math.min(total, first + perBlock);
      const block = new Tensor('float32', rows.subarray(first * width, end * width), [end - first, width]);
      const { cosines, features } = await session.run({ block, all: among });
      if (!(cosines?.data instanceof Float32Array && features?.data instanceof Int32Array)) {
        throw new AppError('internal', 'The engine gave no neighbours.');
      }
      result.features.set(features.data, first * count);
      result.cosines.set(cosines.data, first * count);
      onWork?.({ stage: 'Comparing decoder directions', done: end, total, unit: 'features' });
    }
  } finally {
    await session.release();
  }
  return result;
}

function nearestGraph(d: number, size: number, count: number): Uint8Array {
  const graph = new GraphBuilder('nearest');
  const block = graph.input('block', 'float32', ['block', d]);
  const all = graph.input('all', 'float32', [size, d]);
  const { values, indices } = op.topK(op.gemm(block, all, null, { transB: true }), count);
  graph.output(values, 'cosines');
  graph.output(op.cast(indices, 'int32'), 'features');
  return graph.toBytes();
}

/** Rows of length 1; a row of zeros stays one. */
export function unitRows(matrix: Float32Array, width: number): Float32Array {
  const rows = new Float32Array(matrix.length);
  for (let first = 0; first < matrix.length; first += width) {
    let squares = 0;
    for (let j = 0; j < width; j++) squares += matrix[first + j]! ** 2;
    const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    for (let j = 0; j < width; j++) rows[first + j] = matrix[first + j]! * scale;
  }
  return rows;
}
