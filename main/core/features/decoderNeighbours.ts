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
  { runtime, signal, onWork }: NeighbourOptions,
): Promise<DecoderNeighbours> {
  const { d, size } = dictionary;
  const candidates = Math.min(size, count + 1);
  const rows = unitRows(dictionary.decoder, d);
  const session = await runtime.createSession(nearestGraph(d, size, candidates));
  const all = new Tensor('float32', rows, [size, d]);
  const perBlock = Math.max(1, Math.min(size, Math.floor(BLOCK_BYTES / 4 / size)));
  const result = { features: new Int32Array(size * count).fill(-1), cosines: new Float32Array(size * count) };
  try {
    for (let first = 0; first < size; first += perBlock) {
      signal?.throwIfAborted();
      const end = Math.min(size, first + perBlock);
      const block = new Tensor('float32', rows.subarray(first * d, end * d), [end - first, d]);
      const { cosines, features } = await session.run({ block, all });
      if (!(cosines?.data instanceof Float32Array && features?.data instanceof Int32Array)) {
        throw new AppError('internal', 'The engine gave no neighbours.');
      }
      for (let feature = first; feature < end; feature++) {
        let place = 0;
        for (let at = 0; at < candidates && place < count; at++) {
          const partner = features.data[(feature - first) * candidates + at]!;
          if (partner === feature) continue;
          result.features[feature * count + place] = partner;
          result.cosines[feature * count + place] = cosines.data[(feature - first) * candidates + at]!;
          place++;
        }
      }
      onWork?.({ stage: 'Comparing decoder directions', done: end, total: size, unit: 'features' });
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
