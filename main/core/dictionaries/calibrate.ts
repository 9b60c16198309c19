// The inference threshold of a batchtopk dictionary. In training the batch decides what fires; afterwards a feature fires
// where its pre-activation exceeds one threshold, chosen so that on held-out activations the mean number of firing features
// is the one that was asked for: on all of them, since the first 16 384 tokens missed it on the others by 1.8%.
import { Tensor } from 'onnxruntime-common';
import { RowSelection, type ContextRange } from '../activations/rowSelection.ts';
import { readSequentially } from '../activations/sequentialReader.ts';
import type { ActivationStore } from '../activations/store.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { Runtime } from '../onnx/runtime.ts';
import type { Dictionary } from './dictionary.ts';
import { rowsPerRun } from './evaluate.ts';
import { outlierBoundOf, withoutOutliers } from './outliers.ts';

/** Positive floats in buckets of their exponent and 12 bits of mantissa: the threshold is right to 1/4096 of itself. */
const DROPPED_BITS = 11;

export interface CalibrationOptions {
  readonly runtime: Runtime;
  /** Its threshold is ignored. */
  readonly dictionary: Dictionary;
  readonly store: ActivationStore;
  readonly heldOut: ContextRange;
  readonly targetL0: number;
  readonly signal?: AbortSignal;
}

/** @returns the threshold in raw units; 0 when even all positive pre-activations together are fewer than asked for. */
export async function calibrateThreshold(options: CalibrationOptions): Promise<number> {
  const { runtime, dictionary, store, heldOut, targetL0, signal } = options;
  const { d, size, encoder, encoderBias, centre } = dictionary;
  const session = await runtime.createSession(preActivationGraph(d, size));
  const counts = new Float64Array(1 << (31 - DROPPED_BITS));
  let tokens = 0;
  try {
    const selection = await RowSelection.of(store, { contexts: heldOut });
    const outliers = await outlierBoundOf(store, selection);
    for await (const { values } of readSequentially(store, selection, rowsPerRun(size))) {
      signal?.throwIfAborted();
      const ordinary = withoutOutliers(values, d, outliers);
      const rows = ordinary.length / d;
      if (rows === 0) continue;
      const { pre } = (await session.run({
        x: new Tensor('float32', ordinary, [rows, d]),
        centre: new Tensor('float32', centre, [d]),
        encoder: new Tensor('float32', encoder, [size, d]),
        bias: new Tensor('float32', encoderBias, [size]),
      })) as { pre: Tensor };
      count(pre.data as Float32Array, counts);
      tokens += rows;
    }
  } finally {
    await session.release();
  }
  return thresholdOf(counts, targetL0 * tokens);
}

function preActivationGraph(d: number, size: number): Uint8Array {
  const graph = new GraphBuilder('preActivations');
  const x = op.sub(graph.input('x', 'float32', ['batch', d]), graph.input('centre', 'float32', [d]));
  const encoder = graph.input('encoder', 'float32', [size, d]);
  graph.output(op.gemm(x, encoder, graph.input('bias', 'float32', [size]), { transB: true }), 'pre');
  return graph.toBytes();
}

function count(values: Float32Array, counts: Float64Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (const word of bits) if (word !== 0 && word >>> 31 === 0) counts[word >>> DROPPED_BITS]! += 1;
}

/**
 * The edge of the bucket above which the number of values comes closest to `wanted`, a float lower: what fires must exceed
 * the threshold, and values that lie on the edge belong to the bucket.
 */
function thresholdOf(counts: Float64Array, wanted: number): number {
  let above = 0;
  let bucket = counts.length;
  while (bucket > 0) {
    const next = above + (counts[bucket - 1] as number);
    if (next > wanted && next - wanted > wanted - above) break;
    above = next;
    bucket -= 1;
    if (above >= wanted) break;
  }
  const edge = bucket << DROPPED_BITS;
  return new Float32Array(Uint32Array.of(Math.max(0, edge - 1)).buffer)[0] as number;
}
