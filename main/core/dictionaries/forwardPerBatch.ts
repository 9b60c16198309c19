// The forward half of a step in which the largest pre-activations of the whole batch fire: selection between encoder and
// decoder, and tokens with different numbers of features.
import { Tensor } from 'onnxruntime-common';
import type { Session } from '../onnx/runtime.ts';
import {
  addErrors,
  candidatesIn,
  copyRows,
  floats,
  gradientsAt,
  type BlockForward,
  type Decoded,
  type ForwardParameters,
  type OpenBlockForward,
  type PaddedBuffers,
} from './blockForward.ts';
import { selectPerBatch, type Candidates, type Codes } from './selection.ts';
import { layOut } from './sparseCodes.ts';
import { decodeGraph, encodeGraph, rowsAtOnce } from './stepGraphs.ts';
import type { TrainingConfig } from './trainingConfig.ts';

/** Most tokens of a block. */
const MAX_BLOCK_TOKENS = 1024;
/** So many of a token's largest pre-activations are looked at first. Few tokens have more features. */
const SLOTS_PER_K = 2;
/** The next batch's threshold is guessed to be no less than this share of the last one's. */
const GUESS_PER_THRESHOLD = 0.9;

export const openForwardPerBatch: OpenBlockForward = async (runtime, config, padded) =>
  new ForwardPerBatch(
    config,
    await runtime.createSession(encodeGraph(config)),
    await runtime.createSession(decodeGraph(config)),
    padded,
  );

class ForwardPerBatch implements BlockForward {
  readonly #config: TrainingConfig;
  readonly #encoder: Session;
  readonly #decoder: Session;
  readonly #padded: PaddedBuffers;
  /** The last batch's threshold. It saves time and changes nothing, so it is no part of the state. */
  #lastThreshold = 0;

  constructor(config: TrainingConfig, encoder: Session, decoder: Session, padded: PaddedBuffers) {
    this.#config = config;
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#padded = padded;
  }

  async run(normalised: Tensor, parameters: ForwardParameters): Promise<{ decoded: Decoded; threshold: number }> {
    const { batchSize, d, size, k } = this.#config;
    const { W_enc, b_enc } = parameters;
    const all = floats(normalised);
    const largest = async (slots: number, tokens: Int32Array | null, low: number): Promise<Candidates> => {
      const rows = tokens ? pickRows(all, tokens, d) : all;
      const outputs = await this.#encoder.run({
        W_enc,
        b_enc,
        normalised: new Tensor('float32', rows, [rows.length / d, d]),
        slots: new Tensor('int64', [BigInt(slots)], [1]),
        low: new Tensor('float32', Float32Array.of(low), []),
      });
      return candidatesIn(outputs);
    };
    const { codes, threshold } = await selectPerBatch(
      largest,
      { slots: SLOTS_PER_K * k, size, count: batchSize * k },
      Math.fround(GUESS_PER_THRESHOLD * this.#lastThreshold),
    );
    this.#lastThreshold = threshold;
    return { decoded: await this.#decode(codes, normalised, parameters), threshold };
  }

  async release(): Promise<void> {
    await this.#encoder.release();
    await this.#decoder.release();
  }

  /** Tokens on which nothing fires, too. */
  async #decode(codes: Codes, normalised: Tensor, { W_dec, b_dec }: ForwardParameters): Promise<Decoded> {
    const { batchSize, d } = this.#config;
    const error = new Float32Array(batchSize * d);
    const rowsPerStep = rowsAtOnce(d);
    const layout = layOut(codes.tokens, batchSize, { rowsPerStep, maxLists: MAX_BLOCK_TOKENS, keepsEmpty: true });
    const { columns, first: values, second: alignment } = this.#padded.take(layout.total);
    for (let entry = 0; entry < codes.tokens.length; entry++) {
      const at = layout.positions[entry] as number;
      columns[at] = codes.features[entry] as number;
      values[at] = codes.values[entry] as number;
    }
    const errorSum = new Float64Array(d);
    let squaredError = 0;
    for (const { lists, steps, perStep, length, start } of layout.blocks) {
      const end = start + lists.length * length;
      const outputs = await this.#decoder.run({
        tokens: new Tensor('int32', lists, [steps, perStep]),
        columns: new Tensor('int32', columns.subarray(start, end), [steps, perStep, length]),
        values: new Tensor('float32', values.subarray(start, end), [steps, perStep, 1, length]),
        normalised,
        W_dec,
        b_dec,
      });
      alignment.set(floats(outputs['alignment']), start);
      squaredError += addErrors(outputs, errorSum);
      copyRows(floats(outputs['error']), error, lists, d);
    }
    const gradients = gradientsAt(layout.positions, alignment, batchSize);
    return { codes, gradients, error: new Tensor('float32', error, [batchSize, d]), squaredError, errorSum };
  }
}

function pickRows(from: Float32Array, rows: Int32Array, width: number): Float32Array {
  const picked = new Float32Array(rows.length * width);
  for (const [at, row] of rows.entries()) picked.set(from.subarray(row * width, (row + 1) * width), at * width);
  return picked;
}
