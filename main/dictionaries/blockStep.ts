// The training step for a device whose memory is ours (the CPU): one dense product for the encoder, everything after it
// sparse, in blocks that fit the cache. Sums run in a fixed order, so a run is repeatable bit for bit.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../contract/errors.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import { selectPerBatch, selectPerToken, type Codes } from './selection.ts';
import {
  blocksOf,
  fillColumns,
  fillValues,
  groupEntries,
  readValues,
  type ListBlock,
  type SparseLists,
} from './sparseCodes.ts';
import { decodeGraph, encodeGraph, encodeSomeGraph, updateGraph } from './stepGraphs.ts';
import type { TrainingConfig } from './trainingConfig.ts';
import { deadFeatures, FEATURE_PARAMETERS, type ParameterState, type TrainingState } from './trainingState.ts';
import type { StepReport, TrainingStep } from './trainingStep.ts';

/** Gathered floats of a block: 2 MB, measured best on processors with 1–2 MB of second-level cache per core. */
const BLOCK_FLOATS = 1 << 19;
/** Floats in the rows of each parameter and moment that a block of features gathers beside. */
const ROW_FLOATS = 1 << 17;
const MAX_BLOCK_FEATURES = 1024;
/** Dead features that AuxK trains in one step; more take turns. */
export const AUX_FEATURES = 512;
/** How fast the running threshold of batchtopk follows that of the batches (dictionary_learning uses 0.999 as well). */
const THRESHOLD_MEMORY = 0.999;
/** The first guess for a batch's threshold, as a share of the last one's. */
const GUESS_SHARE = 0.85;

interface Sessions {
  readonly encode: Session;
  readonly encodeSome: Session | null;
  readonly decode: Session;
  readonly update: Session;
}

interface Encoded {
  readonly codes: Codes;
  /** `[batch, d]`; Σ‖x‖² over it. */
  readonly normalised: Float32Array;
  readonly squaredNorm: number;
  /** batchtopk: the smallest value kept. */
  readonly threshold: number | null;
}

/** What decoding a batch gives. Tokens are renumbered in the order in which they were decoded. */
interface Decoded {
  /** `[batch, d]`, in decoding order; rows of tokens on which nothing fires included. */
  readonly error: Float32Array;
  readonly target: Float32Array;
  /** `[entries]`: ∂loss/∂f of each entry, and its token's place in decoding order. */
  readonly gradients: Float32Array;
  readonly places: Int32Array;
  /** `[batch]`: the place of each token. */
  readonly placeOf: Int32Array;
  readonly squaredError: number;
  /** `[d]` */
  readonly errorSum: Float64Array;
}

export async function createBlockStep(
  runtime: Runtime,
  config: TrainingConfig,
  state: TrainingState,
): Promise<TrainingStep> {
  const auxFeatures = Math.min(AUX_FEATURES, config.size);
  const auxK = Math.min(config.auxK, auxFeatures);
  const sessions: Sessions = {
    encode: await runtime.createSession(encodeGraph(config, config.architecture === 'topk' ? config.k : null)),
    encodeSome: auxK === 0 ? null : await runtime.createSession(encodeSomeGraph(config, auxK)),
    decode: await runtime.createSession(decodeGraph(config)),
    update: await runtime.createSession(updateGraph(config)),
  };
  return new BlockStep(config, state, sessions, auxFeatures, auxK);
}

class BlockStep implements TrainingStep {
  readonly #config: TrainingConfig;
  readonly #state: TrainingState;
  readonly #sessions: Sessions;
  readonly #auxFeatures: number;
  readonly #auxK: number;
  readonly #maxRows: number;
  readonly #maxFeatures: number;
  readonly #scratch: Scratch;
  readonly #parameters: Readonly<Record<string, Tensor>>;
  /** What the update graph reads. */
  readonly #rowParameters: Readonly<Record<string, Tensor>>;
  #lastThreshold = 0;

  constructor(config: TrainingConfig, state: TrainingState, sessions: Sessions, auxFeatures: number, auxK: number) {
    this.#config = config;
    this.#state = state;
    this.#sessions = sessions;
    this.#auxFeatures = auxFeatures;
    this.#auxK = auxK;
    this.#maxRows = Math.max(512, Math.floor(BLOCK_FLOATS / config.d));
    this.#maxFeatures = Math.max(64, Math.min(MAX_BLOCK_FEATURES, Math.floor(ROW_FLOATS / config.d)));
    this.#scratch = new Scratch(config, this.#maxRows, this.#maxFeatures);
    this.#parameters = parameterTensors(config, state);
    this.#rowParameters = Object.fromEntries(
      Object.entries(this.#parameters).filter(([name]) => this.#scratch.newRows.has(name)),
    );
  }

  async step(batch: Float32Array, learningRate: number): Promise<StepReport> {
    const { batchSize, size } = this.#config;
    const state = this.#state;
    const { codes, normalised, threshold, squaredNorm } = await this.#encode(batch);
    const decoded = await this.#decode(codes, normalised, this.#parameters['b_dec'] as Tensor, this.#scratch.main);
    const loss = decoded.squaredError / batchSize;
    if (!Number.isFinite(loss)) throw new AppError('diverged', `Step ${state.step + 1}: the loss is ${loss}.`);

    state.step += 1;
    state.tokens += batchSize;
    if (threshold !== null) follow(state, threshold);
    for (let entry = 0; entry < codes.features.length; entry++) {
      state.lastFired[codes.features[entry] as number] = state.tokens;
    }
    await this.#update(codes, decoded, learningRate);
    const dead = deadFeatures(state, this.#config);
    if (dead.length > 0) await this.#reviveDead(dead, decoded, learningRate);
    this.#updateDecoderBias(decoded.errorSum, learningRate);

    return {
      loss,
      fvu: decoded.squaredError / squaredNorm,
      l0: codes.values.length / batchSize,
      deadFraction: dead.length / size,
    };
  }

  state(): Promise<TrainingState> {
    return Promise.resolve(this.#state);
  }

  async release(): Promise<void> {
    for (const session of Object.values(this.#sessions) as (Session | null)[]) await session?.release();
  }

  async #encode(batch: Float32Array): Promise<Encoded> {
    const { architecture, batchSize, d, size, k } = this.#config;
    const { mean, scale } = this.#state.normalisation;
    const scratch = this.#scratch;
    const { W_enc } = this.#parameters as { W_enc: Tensor };
    const feeds = {
      x: new Tensor('float32', batch, [batchSize, d]),
      mean: new Tensor('float32', mean, [d]),
      scale: new Tensor('float32', [scale], []),
      W_enc,
      b_enc: new Tensor('float32', this.#state.features.b_enc.value, [size]),
    };
    const normalised = new Tensor('float32', scratch.normalised, [batchSize, d]);
    if (architecture === 'topk') {
      const values = new Tensor('float32', scratch.candidateValues, [batchSize, k]);
      const indices = new Tensor('int64', scratch.candidateIndices, [batchSize, k]);
      const outputs = await this.#sessions.encode.run(feeds, { normalised, squaredNorm: null, values, indices });
      const codes = selectPerToken(scratch.candidateValues, scratch.candidateIndices, k);
      return { codes, normalised: scratch.normalised, squaredNorm: scalar(outputs['squaredNorm']), threshold: null };
    }
    const pre = new Tensor('float32', scratch.pre, [batchSize, size]);
    const outputs = await this.#sessions.encode.run(feeds, { normalised, squaredNorm: null, pre });
    const guess = this.#lastThreshold * GUESS_SHARE;
    const { codes, threshold } = selectPerBatch(scratch.pre, size, batchSize * k, guess);
    this.#lastThreshold = threshold;
    return { codes, normalised: scratch.normalised, squaredNorm: scalar(outputs['squaredNorm']), threshold };
  }

  /** @param wanted `[batch, d]`: what the codes shall reconstruct */
  async #decode(codes: Codes, wanted: Float32Array, bias: Tensor, buffers: DecodeBuffers): Promise<Decoded> {
    const { batchSize, d } = this.#config;
    const { columns, values, results, rows } = this.#scratch;
    const lists = groupEntries(codes.tokens, codes.features, batchSize);
    const { error, target } = buffers;
    const alignments = new Float32Array(codes.values.length);
    const placeOf = new Int32Array(batchSize);
    const errorSum = new Float64Array(d);
    let squaredError = 0;
    let place = 0;
    const wantedTensor = new Tensor('float32', wanted, [batchSize, d]);
    for (const block of tokenBlocks(lists, this.#maxRows)) {
      const { length } = block;
      const count = block.lists.length;
      const shape = [count, length];
      const entries = count * length;
      fillColumns(block, lists, columns);
      fillValues(block, lists, codes.values, values);
      for (let row = 0; row < count; row++) {
        const token = block.lists[row] as number;
        rows[row] = token;
        placeOf[token] = place + row;
      }
      const part = (array: Float32Array) =>
        new Tensor('float32', array.subarray(place * d, (place + count) * d), [count, d]);
      const outputs = await this.#sessions.decode.run(
        {
          tokens: new Tensor('int32', rows.subarray(0, count), [count]),
          columns: new Tensor('int32', columns.subarray(0, entries), shape),
          values: new Tensor('float32', values.subarray(0, entries), shape),
          wanted: wantedTensor,
          W_dec: this.#parameters['W_dec'] as Tensor,
          b_dec: bias,
        },
        {
          error: part(error),
          target: part(target),
          alignment: new Tensor('float32', results.subarray(0, entries), shape),
          squaredError: null,
          errorSum: null,
        },
      );
      readValues(block, lists, results, alignments);
      squaredError += scalar(outputs['squaredError']);
      for (const [j, sum] of (outputs['errorSum']?.data as Float32Array).entries()) errorSum[j]! += sum;
      place += count;
    }
    const scale = 2 / batchSize;
    const places = new Int32Array(codes.tokens.length);
    for (let entry = 0; entry < places.length; entry++) {
      alignments[entry]! *= scale;
      places[entry] = placeOf[codes.tokens[entry] as number] as number;
    }
    return { error, target, gradients: alignments, places, placeOf, squaredError, errorSum };
  }

  /** Adam on every feature that has an entry. `inputs` replaces what the encoder saw when it is not the decoded target. */
  async #update(
    codes: Codes,
    decoded: Decoded,
    learningRate: number,
    inputs: Float32Array = decoded.target,
  ): Promise<void> {
    const { batchSize, d, size, beta1, beta2 } = this.#config;
    const state = this.#state;
    const { columns, values, results, rows, perRow, newRows } = this.#scratch;
    const lists = groupEntries(codes.features, decoded.places, size);
    const target = new Tensor('float32', inputs, [batchSize, d]);
    const error = new Tensor('float32', decoded.error, [batchSize, d]);
    const errorScale = new Tensor('float32', [2 / batchSize], []);
    for (const block of blocksOf(lists, this.#maxRows, this.#maxFeatures)) {
      const count = block.lists.length;
      const shape = [count, block.length];
      const entries = count * block.length;
      fillColumns(block, lists, columns);
      fillValues(block, lists, codes.values, values);
      fillValues(block, lists, decoded.gradients, results);
      for (let row = 0; row < count; row++) {
        const feature = block.lists[row] as number;
        rows[row] = feature;
        const rested = state.step - (state.lastUpdate[feature] as number);
        const decay1 = beta1 ** rested;
        const decay2 = beta2 ** rested;
        const weight1 = (state.weight1[feature] as number) * decay1 + (1 - beta1);
        const weight2 = (state.weight2[feature] as number) * decay2 + (1 - beta2);
        state.weight1[feature] = weight1;
        state.weight2[feature] = weight2;
        state.lastUpdate[feature] = state.step;
        perRow.decay1[row] = decay1;
        perRow.decay2[row] = decay2;
        perRow.stepSize[row] = learningRate / weight1;
        perRow.correction2[row] = 1 / weight2;
        this.#updateEncoderBias(feature, rowSum(results, row, block.length), decay1, decay2, learningRate);
      }
      const fetches: Record<string, Tensor> = {};
      for (const [name, { array, width }] of newRows) {
        fetches[`${name}_out`] = new Tensor('float32', array.subarray(0, count * width), [count, width]);
      }
      await this.#sessions.update.run(
        {
          features: new Tensor('int32', rows.subarray(0, count), [count]),
          columns: new Tensor('int32', columns.subarray(0, entries), shape),
          activations: new Tensor('float32', values.subarray(0, entries), shape),
          gradients: new Tensor('float32', results.subarray(0, entries), shape),
          target,
          error,
          errorScale,
          decay1: column(perRow.decay1, count),
          decay2: column(perRow.decay2, count),
          stepSize: column(perRow.stepSize, count),
          correction2: column(perRow.correction2, count),
          ...this.#rowParameters,
        },
        fetches,
      );
      for (const [name, { array, width }] of newRows) {
        copyRows(array, (this.#parameters[name] as Tensor).data as Float32Array, rows, count, width);
      }
    }
  }

  /** Adam on one number of b_enc, with the weights of its feature; too small a thing for a graph. */
  #updateEncoderBias(feature: number, gradient: number, decay1: number, decay2: number, learningRate: number): void {
    const { beta1, beta2, epsilon } = this.#config;
    const { weight1, weight2, features } = this.#state;
    const { value, mean, square } = features.b_enc;
    const newMean = (mean[feature] as number) * decay1 + (1 - beta1) * gradient;
    const newSquare = (square[feature] as number) * decay2 + (1 - beta2) * gradient * gradient;
    const size = Math.sqrt(newSquare / (weight2[feature] as number)) + epsilon;
    mean[feature] = newMean;
    square[feature] = newSquare;
    value[feature]! -= (learningRate * newMean) / (weight1[feature] as number) / size;
  }

  /** AuxK: a turn of the dead features learns to reconstruct what the living ones left over. */
  async #reviveDead(dead: Int32Array, decoded: Decoded, learningRate: number): Promise<void> {
    const { encodeSome } = this.#sessions;
    const { batchSize, d } = this.#config;
    const auxK = this.#auxK;
    if (!encodeSome) return;
    const turn = Math.min(dead.length, this.#auxFeatures);
    const features = fromStartOn(dead, auxStart(this.#config, this.#state.step), Math.max(turn, auxK));
    const candidates = await encodeSome.run({
      target: new Tensor('float32', decoded.target, [batchSize, d]),
      features: new Tensor('int32', features, [features.length]),
      W_enc: this.#parameters['W_enc'] as Tensor,
      b_enc: this.#parameters['b_enc'] as Tensor,
    });
    const { values, indices } = candidates as { values: Tensor; indices: Tensor };
    const best = values.data as Float32Array;
    // Fewer dead features than auxK stand there several times; they count once.
    for (const [at, index] of (indices.data as BigInt64Array).entries()) if (index >= turn) best[at] = 0;
    const codes = selectPerToken(best, indices.data as BigInt64Array, auxK);
    for (let entry = 0; entry < codes.features.length; entry++) {
      codes.features[entry] = features[codes.features[entry] as number] as number;
    }
    const residual = decoded.error.map((value) => -value);
    const noBias = new Tensor('float32', new Float32Array(d), [d]);
    const auxDecoded = await this.#decode(codes, residual, noBias, {
      error: new Float32Array(batchSize * d),
      target: new Float32Array(batchSize * d),
    });
    // The tokens were renumbered once more; the encoder saw x, not the residual.
    const inputs = new Float32Array(batchSize * d);
    for (const [token, place] of auxDecoded.placeOf.entries()) {
      inputs.set(decoded.target.subarray(token * d, (token + 1) * d), place * d);
    }
    await this.#update(codes, auxDecoded, learningRate, inputs);
  }

  /** Adam on b_dec, elementwise; its gradient is 2·mean_t e_t. */
  #updateDecoderBias(errorSum: Float64Array, learningRate: number): void {
    const { beta1, beta2, epsilon, batchSize } = this.#config;
    const { value, mean, square } = this.#state.decoderBias;
    const { step } = this.#state;
    for (let j = 0; j < value.length; j++) {
      const gradient = (2 * (errorSum[j] as number)) / batchSize;
      mean[j] = beta1 * (mean[j] as number) + (1 - beta1) * gradient;
      square[j] = beta2 * (square[j] as number) + (1 - beta2) * gradient * gradient;
      const correctedMean = (mean[j] as number) / (1 - beta1 ** step);
      const correctedSquare = (square[j] as number) / (1 - beta2 ** step);
      value[j]! -= (learningRate * correctedMean) / (Math.sqrt(correctedSquare) + epsilon);
    }
  }
}

/** The running threshold of batchtopk, in normalised units. */
export function follow(state: TrainingState, threshold: number): void {
  const memory = state.threshold === 0 ? 0 : THRESHOLD_MEMORY;
  state.threshold = memory * state.threshold + (1 - memory) * threshold;
}

/** Where the turn of dead features that AuxK trains in a step begins: further on with every step, so that all get one. */
export function auxStart({ size }: TrainingConfig, step: number): number {
  return (step * Math.min(AUX_FEATURES, size)) % size;
}

/** The first `count` of ascending features from `start` on, around the end. */
function fromStartOn(features: Int32Array, start: number, count: number): Int32Array {
  const first = features.findIndex((feature) => feature >= start);
  const begin = Math.max(0, first);
  return Int32Array.from({ length: count }, (_, at) => features[(begin + at) % features.length] as number);
}

/** The first `count` numbers as `[count, 1]`. */
function column(array: Float32Array, count: number): Tensor {
  return new Tensor('float32', array.subarray(0, count), [count, 1]);
}

/** Σ of a row of `[rows, length]`. */
function rowSum(values: Float32Array, row: number, length: number): number {
  let sum = 0;
  for (let at = row * length; at < (row + 1) * length; at++) sum += values[at] as number;
  return sum;
}

function scalar(tensor: Tensor | undefined): number {
  return (tensor?.data as Float32Array)[0] as number;
}

/** Blocks over all tokens: those on which nothing fires come last, with one zero entry each. */
function tokenBlocks(lists: SparseLists, maxRows: number): ListBlock[] {
  const blocks = blocksOf(lists, maxRows, maxRows);
  const silent: number[] = [];
  for (let token = 0; token + 1 < lists.offsets.length; token++) {
    if (lists.offsets[token] === lists.offsets[token + 1]) silent.push(token);
  }
  for (let first = 0; first < silent.length; first += maxRows) {
    blocks.push({ lists: Uint32Array.from(silent.slice(first, first + maxRows)), length: 1 });
  }
  return blocks;
}

function copyRows(from: Float32Array, to: Float32Array, rows: Int32Array, count: number, width: number): void {
  if (width === 1) {
    for (let row = 0; row < count; row++) to[rows[row] as number] = from[row] as number;
    return;
  }
  for (let row = 0; row < count; row++) {
    to.set(from.subarray(row * width, (row + 1) * width), (rows[row] as number) * width);
  }
}

/** The tensors that wrap the state's own arrays: what the graphs read and what copyRows writes. */
function parameterTensors({ d, size }: TrainingConfig, state: TrainingState): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = { b_dec: new Tensor('float32', state.decoderBias.value, [d]) };
  for (const name of FEATURE_PARAMETERS) {
    const { value, mean, square, width }: ParameterState = state.features[name];
    tensors[name] = new Tensor('float32', value, [size, width]);
    tensors[`${name}_mean`] = new Tensor('float32', mean, [size, width]);
    tensors[`${name}_square`] = new Tensor('float32', square, [size, 1]);
  }
  return tensors;
}

/** Where decoding puts its results, `[batch, d]` each. */
interface DecodeBuffers {
  readonly error: Float32Array;
  readonly target: Float32Array;
}

/** Buffers that every step uses again. */
class Scratch {
  readonly normalised: Float32Array;
  readonly main: DecodeBuffers;
  readonly pre: Float32Array;
  readonly candidateValues: Float32Array;
  readonly candidateIndices: BigInt64Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
  readonly results: Float32Array;
  readonly rows: Int32Array;
  readonly perRow: Readonly<Record<'decay1' | 'decay2' | 'stepSize' | 'correction2', Float32Array>>;
  /** The rows that an update returns, by the name of what they belong to. */
  readonly newRows: ReadonlyMap<string, { readonly array: Float32Array; readonly width: number }>;

  constructor({ architecture, batchSize, d, size, k }: TrainingConfig, maxRows: number, maxFeatures: number) {
    const isTopK = architecture === 'topk';
    // A list longer than a block's rows has a block of its own; no list is longer than the batch or the dictionary.
    const entries = Math.max(maxRows, batchSize, size);
    this.normalised = new Float32Array(batchSize * d);
    this.main = { error: new Float32Array(batchSize * d), target: new Float32Array(batchSize * d) };
    this.pre = new Float32Array(isTopK ? 0 : batchSize * size);
    this.candidateValues = new Float32Array(isTopK ? batchSize * k : 0);
    this.candidateIndices = new BigInt64Array(isTopK ? batchSize * k : 0);
    this.columns = new Int32Array(entries);
    this.values = new Float32Array(entries);
    this.results = new Float32Array(entries);
    this.rows = new Int32Array(Math.max(maxRows, maxFeatures));
    const row = () => new Float32Array(maxFeatures);
    this.perRow = { decay1: row(), decay2: row(), stepSize: row(), correction2: row() };
    const widths: Readonly<Record<string, number>> = { W_enc: d, W_dec: d };
    this.newRows = new Map(
      Object.entries(widths).flatMap(([name, width]) => [
        [name, { array: new Float32Array(maxFeatures * width), width }],
        [`${name}_mean`, { array: new Float32Array(maxFeatures * width), width }],
        [`${name}_square`, { array: new Float32Array(maxFeatures), width: 1 }],
      ]),
    );
  }
}
