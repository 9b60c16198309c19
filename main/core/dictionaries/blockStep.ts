// The training step for a device whose memory is ours (the CPU): one dense product for the encoder, everything after it
// sparse, in blocks that fit the cache. Sums run in a fixed order, so a run is repeatable bit for bit.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import { copyRows, floats, PaddedBuffers, readDecoded, type BlockForward, type Decoded } from './blockForward.ts';
import { trainingOf } from './kinds/index.ts';
import { layOut } from './sparseCodes.ts';
import { auxGraph, rowsAtOnce, updateGraph } from './stepGraphs.ts';
import type { TrainingConfig } from './trainingConfig.ts';
import { deadFeatures, FEATURE_PARAMETERS, type ParameterState, type TrainingState } from './trainingState.ts';
import type { StepReport, TrainingStep } from './trainingStep.ts';

/** Floats in the rows of each parameter and moment that a block of features gathers. */
const ROW_FLOATS = 1 << 18;
const MAX_BLOCK_FEATURES = 1024;
/** Dead features that AuxK trains in one step; more take turns. */
export const AUX_FEATURES = 512;
/** How fast the running threshold of batchtopk follows that of the batches (dictionary_learning uses 0.999 as well). */
const THRESHOLD_MEMORY = 0.999;

/** What the update graph returns new rows of. */
const UPDATED_ROWS: readonly string[] = ['W_enc', 'W_dec'].flatMap((name) => [name, `${name}_mean`, `${name}_square`]);

interface Sessions {
  readonly forward: BlockForward;
  readonly aux: Session | null;
  readonly update: Session;
}

/** A batch of activations. */
interface Batch {
  /** `[batch, d]` */
  readonly normalised: Tensor;
  /** Σ‖x‖² over it. */
  readonly squaredNorm: number;
}

export async function createBlockStep(
  runtime: Runtime,
  config: TrainingConfig,
  state: TrainingState,
): Promise<TrainingStep> {
  const padded = new PaddedBuffers();
  const auxFeatures = Math.min(AUX_FEATURES, config.size);
  const auxK = Math.min(config.auxK, auxFeatures);
  const sessions: Sessions = {
    forward: await trainingOf(config).openForward(runtime, config, padded),
    aux: auxK === 0 ? null : await runtime.createSession(auxGraph(config, auxK)),
    update: await runtime.createSession(updateGraph(config)),
  };
  return new BlockStep(config, state, sessions, padded, auxFeatures, auxK);
}

class BlockStep implements TrainingStep {
  readonly #config: TrainingConfig;
  readonly #state: TrainingState;
  readonly #sessions: Sessions;
  readonly #auxFeatures: number;
  readonly #auxK: number;
  readonly #scratch: Scratch;
  readonly #padded: PaddedBuffers;
  readonly #parameters: Readonly<Record<string, Tensor>>;
  /** What the update graph reads. */
  readonly #rowParameters: Readonly<Record<string, Tensor>>;

  constructor(
    config: TrainingConfig,
    state: TrainingState,
    sessions: Sessions,
    padded: PaddedBuffers,
    auxFeatures: number,
    auxK: number,
  ) {
    this.#config = config;
    this.#state = state;
    this.#sessions = sessions;
    this.#padded = padded;
    this.#auxFeatures = auxFeatures;
    this.#auxK = auxK;
    this.#scratch = new Scratch(config);
    this.#parameters = parameterTensors(config, state);
    this.#rowParameters = Object.fromEntries(
      Object.entries(this.#parameters).filter(([name]) => UPDATED_ROWS.includes(name)),
    );
  }

  async step(batch: Float32Array, learningRate: number): Promise<StepReport> {
    const { batchSize, size } = this.#config;
    const state = this.#state;
    const normalised = this.#normalise(batch);
    const { decoded, threshold } = await this.#forward(normalised);
    const { codes } = decoded;
    const loss = decoded.squaredError / batchSize;
    if (!Number.isFinite(loss)) throw new AppError('diverged', `Step ${state.step + 1}: the loss is ${loss}.`);

    state.step += 1;
    state.tokens += batchSize;
    if (threshold !== null) follow(state, threshold);
    await this.#update(normalised, decoded, learningRate);
    // What has been updated has fired; AuxK's turn comes after.
    for (let feature = 0; feature < size; feature++) {
      if (state.lastUpdate[feature] === state.step) state.lastFired[feature] = state.tokens;
    }
    const dead = deadFeatures(state, this.#config);
    if (dead.length > 0) await this.#reviveDead(dead, normalised, decoded.error, learningRate);
    this.#updateDecoderBias(decoded.errorSum, learningRate);

    return {
      loss,
      fvu: decoded.squaredError / normalised.squaredNorm,
      l0: codes.values.length / batchSize,
      deadFraction: dead.length / size,
    };
  }

  state(): Promise<TrainingState> {
    return Promise.resolve(this.#state);
  }

  async release(): Promise<void> {
    const { forward, aux, update } = this.#sessions;
    for (const each of [forward, aux, update]) await each?.release();
  }

  #normalise(batch: Float32Array): Batch {
    const { batchSize, d } = this.#config;
    const { mean, scale } = this.#state.normalisation;
    const { normalised } = this.#scratch;
    let squaredNorm = 0;
    for (let row = 0; row < batch.length; row += d) {
      let rowNorm = 0;
      for (let j = 0; j < d; j++) {
        const value = ((batch[row + j] as number) - (mean[j] as number)) * scale;
        normalised[row + j] = value;
        rowNorm += value * value;
      }
      squaredNorm += rowNorm;
    }
    return { normalised: new Tensor('float32', normalised, [batchSize, d]), squaredNorm };
  }

  #forward({ normalised }: Batch) {
    const { W_enc, W_dec, b_dec } = this.#parameters as Record<'W_enc' | 'W_dec' | 'b_dec', Tensor>;
    const b_enc = new Tensor('float32', this.#state.features.b_enc.value, [this.#config.size]);
    return this.#sessions.forward.run(normalised, { W_enc, b_enc, W_dec, b_dec });
  }

  /** Adam on every feature that has an entry. */
  async #update({ normalised }: Batch, { codes, gradients, error }: Decoded, learningRate: number): Promise<void> {
    const { batchSize, d, size, beta1, beta2 } = this.#config;
    const state = this.#state;
    const { perRow, maxFeatures } = this.#scratch;
    const layout = layOut(codes.features, size, { rowsPerStep: rowsAtOnce(d), maxLists: maxFeatures });
    const { columns, first: inputWeights, second: errorWeights } = this.#padded.take(layout.total);
    const biasGradients = new Float64Array(size);
    const errorScale = (2 / batchSize) * (1 - beta1);
    for (let entry = 0; entry < codes.features.length; entry++) {
      const at = layout.positions[entry] as number;
      const gradient = gradients[entry] as number;
      columns[at] = codes.tokens[entry] as number;
      inputWeights[at] = gradient * (1 - beta1);
      errorWeights[at] = (codes.values[entry] as number) * errorScale;
      biasGradients[codes.features[entry] as number]! += gradient;
    }
    for (const { lists, steps, perStep, length, start } of layout.blocks) {
      const count = lists.length;
      const end = start + count * length;
      for (let row = 0; row < count; row++) {
        const feature = lists[row] as number;
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
        this.#updateEncoderBias(feature, biasGradients[feature] as number, decay1, decay2, learningRate);
      }
      const outputs = await this.#sessions.update.run({
        features: new Tensor('int32', lists, [count]),
        columns: new Tensor('int32', columns.subarray(start, end), [steps, perStep, length]),
        inputWeights: new Tensor('float32', inputWeights.subarray(start, end), [steps, perStep, 1, length]),
        errorWeights: new Tensor('float32', errorWeights.subarray(start, end), [steps, perStep, 1, length]),
        decay1: column(perRow.decay1, count),
        decay2: column(perRow.decay2, count),
        stepSize: column(perRow.stepSize, count),
        correction2: column(perRow.correction2, count),
        normalised,
        error,
        ...this.#rowParameters,
      });
      for (const [name, parameter] of Object.entries(this.#rowParameters)) {
        copyRows(floats(outputs[`${name}_out`]), floats(parameter), lists, parameter.dims[1] as number);
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
  async #reviveDead(dead: Int32Array, batch: Batch, error: Tensor, learningRate: number): Promise<void> {
    const { aux } = this.#sessions;
    if (!aux) return;
    const turn = Math.min(dead.length, this.#auxFeatures);
    // Fewer dead features than auxK stand there several times; the graph counts them once.
    const features = fromStartOn(dead, auxStart(this.#config, this.#state.step), Math.max(turn, this.#auxK));
    const { W_enc, b_enc, W_dec } = this.#parameters as { W_enc: Tensor; b_enc: Tensor; W_dec: Tensor };
    const outputs = await aux.run({
      normalised: batch.normalised,
      leftOut: error,
      features: new Tensor('int32', features, [features.length]),
      turn: new Tensor('int64', [BigInt(turn)], []),
      W_enc,
      b_enc,
      W_dec,
    });
    await this.#update(batch, readDecoded(outputs, this.#config), learningRate);
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

/** More buffers that every step uses again. (What a run returns, ONNX Runtime's package copies to a fresh one in any case.) */
class Scratch {
  readonly maxFeatures: number;
  readonly normalised: Float32Array;
  readonly perRow: Readonly<Record<'decay1' | 'decay2' | 'stepSize' | 'correction2', Float32Array>>;

  constructor({ batchSize, d }: TrainingConfig) {
    this.maxFeatures = Math.max(64, Math.min(MAX_BLOCK_FEATURES, Math.floor(ROW_FLOATS / d)));
    this.normalised = new Float32Array(batchSize * d);
    const row = () => new Float32Array(this.maxFeatures);
    this.perRow = { decay1: row(), decay2: row(), stepSize: row(), correction2: row() };
  }
}
