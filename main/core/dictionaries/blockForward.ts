// The first half of a training step on the CPU: from a batch of activations to its codes, their errors, and what the loss asks
// of each code. Kinds of dictionary differ in it, and have one each (forwardPerToken.ts, forwardPerBatch.ts); what follows is
// the same for all (blockStep.ts).
import { Tensor } from 'onnxruntime-common';
import type { Runtime } from '../onnx/runtime.ts';
import { selectAbove, type Candidates, type Codes } from './selection.ts';
import type { TrainingConfig } from './trainingConfig.ts';

/** A batch's codes, and what decoding them gives. */
export interface Decoded {
  readonly codes: Codes;
  /** `[entries]`: ∂loss/∂f. */
  readonly gradients: Float32Array;
  /** `[batch, d]`: reconstruction − what was wanted. */
  readonly error: Tensor;
  readonly squaredError: number;
  /** `[d]` */
  readonly errorSum: Float64Array;
}

/** Tensors that wrap the state's own arrays. */
export interface ForwardParameters {
  /** `[n, d]` */
  readonly W_enc: Tensor;
  /** `[n]` */
  readonly b_enc: Tensor;
  /** `[n, d]` */
  readonly W_dec: Tensor;
  /** `[d]` */
  readonly b_dec: Tensor;
}

export interface BlockForward {
  /**
   * @param normalised `[batch, d]`
   * @returns also the smallest value that was kept, in kinds that keep one over the whole batch; null in others
   */
  run(
    normalised: Tensor,
    parameters: ForwardParameters,
  ): Promise<{ readonly decoded: Decoded; readonly threshold: number | null }>;
  release(): Promise<void>;
}

/** @param padded scratch, free until `run` returns */
export type OpenBlockForward = (
  runtime: Runtime,
  config: TrainingConfig,
  padded: PaddedBuffers,
) => Promise<BlockForward>;

export type Outputs = Readonly<Record<string, Tensor>>;

/** What the graphs return that decode tokens with equally many features. */
export function readDecoded(outputs: Outputs, { batchSize, d }: TrainingConfig): Decoded {
  const { codes, candidates } = selectAbove(candidatesIn(outputs));
  const gradients = gradientsAt(candidates, floats(outputs['alignment']), batchSize);
  const errorSum = new Float64Array(d);
  const squaredError = addErrors(outputs, errorSum);
  const error = new Tensor('float32', floats(outputs['error']), [batchSize, d]);
  return { codes, gradients, error, squaredError, errorSum };
}

export function candidatesIn({ values, indices }: Outputs): Candidates {
  return {
    values: floats(values),
    indices: indices?.data as BigInt64Array | Int32Array,
    slots: values?.dims[1] as number,
  };
}

/** 2/batch times the alignments at the entries' places. */
export function gradientsAt(places: Int32Array, alignment: Float32Array, batchSize: number): Float32Array {
  const scale = 2 / batchSize;
  const gradients = new Float32Array(places.length);
  for (let entry = 0; entry < places.length; entry++) {
    gradients[entry] = scale * (alignment[places[entry] as number] as number);
  }
  return gradients;
}

/** Σ‖e‖² of a run of decode(); adds Σ e to `errorSum`. */
export function addErrors({ squaredError, errorSum: sums }: Outputs, errorSum: Float64Array): number {
  const d = errorSum.length;
  const rows = floats(sums);
  for (let row = 0; row < rows.length; row += d) for (let j = 0; j < d; j++) errorSum[j]! += rows[row + j] as number;
  return floats(squaredError).reduce((sum, value) => sum + value, 0);
}

export function floats(tensor: Tensor | undefined): Float32Array {
  return tensor?.data as Float32Array;
}

/** The first rows of `from` to the places that `rows` names. */
export function copyRows(from: Float32Array, to: Float32Array, rows: Int32Array, width: number): void {
  if (width === 1) {
    for (let row = 0; row < rows.length; row++) to[rows[row] as number] = from[row] as number;
    return;
  }
  for (let row = 0; row < rows.length; row++) {
    to.set(from.subarray(row * width, (row + 1) * width), (rows[row] as number) * width);
  }
}

/** Arrays of a layout's padded length. */
interface Padded {
  readonly columns: Int32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** Buffers that every step uses again. */
export class PaddedBuffers {
  #padded: Padded = { columns: new Int32Array(0), first: new Float32Array(0), second: new Float32Array(0) };

  /** All zero up to `total`. What was handed out before is overwritten. */
  take(total: number): Padded {
    if (this.#padded.columns.length < total) {
      const length = Math.ceil(1.25 * total);
      this.#padded = {
        columns: new Int32Array(length),
        first: new Float32Array(length),
        second: new Float32Array(length),
      };
    } else {
      for (const array of Object.values(this.#padded) as (Int32Array | Float32Array)[]) array.fill(0, 0, total);
    }
    return this.#padded;
  }
}
