// The training step for a device with memory of its own (WebGPU): one graph for the whole step, and parameters and moments
// stay on the device between steps, handed from the outputs of one run to the inputs of the next. The formulas, and so the
// results up to rounding, are those of blockStep.ts.
//
// Sums over the tokens of a feature are ScatterND(add). On a device it adds atomically, in no fixed order: runs agree to
// rounding, not bit for bit. (ONNX Runtime's CPU kernel loses updates with more than one thread; use blockStep.ts there.)
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import { GraphBuilder, type Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import { AUX_FEATURES, auxStart, follow } from './blockStep.ts';
import { trainingOf } from './kinds/index.ts';
import { largestPerToken, type CodeChunk } from './residentSelection.ts';
import type { TrainingConfig } from './trainingConfig.ts';
import { FEATURE_PARAMETERS, type FeatureParameter, type TrainingState } from './trainingState.ts';
import type { StepReport, TrainingStep } from './trainingStep.ts';

/** What lives on the device: name → shape. Row counters are float32; they stay far below 2²⁴ steps. */
function residentShapes({ d, size }: TrainingConfig): Record<string, readonly number[]> {
  const parameter = (name: FeatureParameter, width: number) => ({
    [name]: [size, width],
    [`${name}_mean`]: [size, width],
    [`${name}_square`]: [size, 1],
  });
  return {
    ...parameter('W_enc', d),
    ...parameter('b_enc', 1),
    ...parameter('W_dec', d),
    b_dec: [1, d],
    b_dec_mean: [1, d],
    b_dec_square: [1, d],
    weight1: [size, 1],
    weight2: [size, 1],
    /** Steps since the feature's last gradient, and since it last fired. */
    rested: [size, 1],
    silent: [size, 1],
  };
}

interface Gradients {
  readonly W_enc: Value;
  readonly b_enc: Value;
  readonly W_dec: Value;
}

/**
 * Inputs: x `[batch, d]`, mean `[d]`, scale `[]`, learningRate `[]`, correction1 and correction2 `[]` (1 − β^t, for b_dec),
 *   auxStart `[]`, and everything resident.
 * Outputs: everything resident as NAME_out; squaredError, squaredNorm, active, dead and, where the kind has one, threshold `[1]`.
 */
export function residentGraph(config: TrainingConfig, hasAux: boolean): Uint8Array {
  const { d, size, batchSize, beta1, beta2, epsilon, deadAfterTokens } = config;
  const graph = new GraphBuilder('residentStep');
  const scalar = (name: string) => graph.input(name, 'float32', []);
  const x = graph.input('x', 'float32', [batchSize, d]);
  const mean = graph.input('mean', 'float32', [d]);
  const [scale, learningRate] = [scalar('scale'), scalar('learningRate')];
  const [correction1, correction2] = [scalar('correction1'), scalar('correction2')];
  const resident = Object.fromEntries(
    Object.entries(residentShapes(config)).map(([name, shape]) => [name, graph.input(name, 'float32', shape)]),
  );
  const value = (name: string) => resident[name] as Value;

  const normalised = op.mul(op.sub(x, mean), scale);
  const bias = op.reshape(value('b_enc'), [1, size]);
  const pre = op.gemm(normalised, value('W_enc'), bias, { transB: true });
  const { codes, threshold } = trainingOf(config).selectResident(config, pre);
  const zeroColumn = op.mul(value('rested'), 0);
  const firings = countEntries(zeroColumn, codes);
  const fires = op.greater(firings, 0);

  const start: Gradients = { W_enc: op.mul(value('W_enc'), 0), b_enc: zeroColumn, W_dec: op.mul(value('W_dec'), 0) };
  const targets = { inputs: normalised, wanted: normalised, bias: value('b_dec') };
  const main = backward(config, targets, codes, value('W_dec'), start);

  // Dead features: AuxK gives a turn of them a gradient of their own.
  const silent = op.where(fires, op.mul(value('silent'), 0), op.add(value('silent'), 1));
  const dead = op.cast(op.greaterOrEqual(op.mul(silent, batchSize), deadAfterTokens), 'float32'); // [size, 1]
  let gradients: Gradients = main.gradients;
  let moves = op.cast(fires, 'float32');
  if (hasAux) {
    const aux = auxBackward(config, scalar('auxStart'), dead, normalised, op.neg(main.error), value, start);
    gradients = {
      W_enc: op.add(gradients.W_enc, aux.gradients.W_enc),
      b_enc: op.add(gradients.b_enc, aux.gradients.b_enc),
      W_dec: op.add(gradients.W_dec, aux.gradients.W_dec),
    };
    moves = op.max(moves, aux.moves);
  }

  // Adam on the rows that have a gradient; see updateGraph in stepGraphs.ts.
  const isMoving = op.greater(moves, 0);
  const rested = op.add(value('rested'), 1);
  const decay1 = op.exp(op.mul(rested, Math.log(beta1)));
  const decay2 = op.exp(op.mul(rested, Math.log(beta2)));
  const weight1 = op.add(op.mul(value('weight1'), decay1), 1 - beta1);
  const weight2 = op.add(op.mul(value('weight2'), decay2), 1 - beta2);
  const stepSize = op.div(learningRate, weight1);
  const keep = (name: string, next: Value) => {
    graph.output(op.where(isMoving, next, value(name)), `${name}_out`);
  };
  const adam = (name: FeatureParameter, width: number, gradient: Value): Value => {
    const newMean = op.add(op.mul(value(`${name}_mean`), decay1), op.mul(gradient, 1 - beta1));
    const meanSquare = op.mul(op.reduceSumSquare(gradient, [1]), (1 - beta2) / width);
    const newSquare = op.add(op.mul(value(`${name}_square`), decay2), meanSquare);
    keep(`${name}_mean`, newMean);
    keep(`${name}_square`, newSquare);
    const rate = op.div(stepSize, op.add(op.sqrt(op.div(newSquare, weight2)), epsilon));
    return op.sub(value(name), op.mul(newMean, rate));
  };
  keep('W_enc', adam('W_enc', d, gradients.W_enc));
  keep('b_enc', adam('b_enc', 1, gradients.b_enc));
  const direction = value('W_dec');
  const parallel = op.reduceSum(op.mul(gradients.W_dec, direction), [1]);
  const moved = adam('W_dec', d, op.sub(gradients.W_dec, op.mul(direction, parallel)));
  keep('W_dec', op.div(moved, op.sqrt(op.reduceSumSquare(moved, [1]))));
  keep('weight1', weight1);
  keep('weight2', weight2);
  graph.output(op.where(isMoving, zeroColumn, rested), 'rested_out');
  graph.output(silent, 'silent_out');

  // b_dec, elementwise; its gradient is 2·mean_t e_t.
  const biasGradient = op.mul(op.reduceSum(main.error, [0]), 2 / batchSize);
  const biasMean = op.add(op.mul(value('b_dec_mean'), beta1), op.mul(biasGradient, 1 - beta1));
  const biasSquare = op.add(
    op.mul(value('b_dec_square'), beta2),
    op.mul(op.mul(biasGradient, biasGradient), 1 - beta2),
  );
  const biasRate = op.div(op.div(learningRate, correction1), op.add(op.sqrt(op.div(biasSquare, correction2)), epsilon));
  graph.output(op.sub(value('b_dec'), op.mul(biasMean, biasRate)), 'b_dec_out');
  graph.output(biasMean, 'b_dec_mean_out');
  graph.output(biasSquare, 'b_dec_square_out');

  const total = (sum: Value, name: string) => graph.output(op.reshape(sum, [1]), name);
  total(op.reduceSumSquare(main.error), 'squaredError');
  total(op.reduceSumSquare(normalised), 'squaredNorm');
  total(op.reduceSum(firings), 'active');
  total(op.reduceSum(dead), 'dead');
  if (threshold) total(threshold, 'threshold');
  return graph.toBytes();
}

/** How many entries every row has. @param zeroColumn `[rows, 1]` */
function countEntries(zeroColumn: Value, chunks: readonly CodeChunk[]): Value {
  return chunks.reduce(
    (counts, { values, indices }) => op.scatterND(counts, indices, op.cast(op.greater(values, 0), 'float32'), 'add'),
    zeroColumn,
  );
}

interface Targets {
  /** `[batch, d]`: what the encoder saw. */
  readonly inputs: Value;
  /** `[batch, d]`: what is to be reconstructed. */
  readonly wanted: Value;
  /** `[1, d]`, or null for none. */
  readonly bias: Value | null;
}

/**
 * Decodes sparse codes and sums the gradients of every row.
 * @param decoder `[rows, d]`
 * @param start what the sums start from: zeros
 * @returns error `[batch, d]` and the gradients
 */
function backward(
  { batchSize, d }: TrainingConfig,
  { inputs, wanted, bias }: Targets,
  chunks: readonly CodeChunk[],
  decoder: Value,
  start: Gradients,
): { error: Value; gradients: Gradients } {
  const errors: Value[] = [];
  let gradients = start;
  for (const { first, count, values, indices } of chunks) {
    const slots = op.fixedSize(values, 1);
    const part = (whole: Value) => (count === batchSize ? whole : op.slice(whole, 0, first, first + count));
    const directions = op.reshape(op.gather(decoder, indices), [count, slots, d]);
    const reconstruction = op.squeeze(op.matMul(op.reshape(values, [count, 1, slots]), directions), [1]); // [count, d]
    const error = op.sub(bias ? op.add(reconstruction, bias) : reconstruction, part(wanted));
    errors.push(error);
    const alignment = op.matMul(directions, op.unsqueeze(error, [2])); // [count, slots, 1]
    const upstream = op.mul(op.mul(alignment, op.cast(op.greater(values, 0), 'float32')), 2 / batchSize);
    const outer = (weights: Value, vectors: Value) => op.mul(weights, op.unsqueeze(vectors, [1])); // [count, slots, d]
    gradients = {
      W_enc: op.scatterND(gradients.W_enc, indices, outer(upstream, part(inputs)), 'add'),
      b_enc: op.scatterND(gradients.b_enc, indices, upstream, 'add'),
      W_dec: op.scatterND(gradients.W_dec, indices, outer(op.mul(values, 2 / batchSize), error), 'add'),
    };
  }
  return { error: errors.length === 1 ? (errors[0] as Value) : op.concat(errors, 0), gradients };
}

/** AuxK for a turn of the dead features: gradients `[size, …]`, and `moves` `[size, 1]`: positive where there is one. */
function auxBackward(
  config: TrainingConfig,
  firstFeature: Value,
  dead: Value,
  normalised: Value,
  residual: Value,
  value: (name: string) => Value,
  zeros: Gradients,
): { gradients: Gradients; moves: Value } {
  const { d, size } = config;
  const { graph } = dead;
  const turn = Math.min(AUX_FEATURES, size);
  // The first `turn` dead features from `firstFeature` on, around the end: the largest size − (index − first mod size).
  const index = graph.initializer(
    'featureIndex',
    'float32',
    [size, 1],
    Float32Array.from({ length: size }, (_, at) => at),
  );
  const offset = op.sub(index, firstFeature);
  const around = op.where(op.less(offset, 0), op.add(offset, size), offset);
  const chosen = op.topK(op.mul(op.sub(size, around), dead), turn, { axis: 0 });
  const rowsOf = (matrix: Value, width: number) => op.reshape(op.gather(matrix, chosen.indices), [turn, width]);
  const bias = op.reshape(rowsOf(value('b_enc'), 1), [1, turn]);
  const pre = op.gemm(normalised, rowsOf(value('W_enc'), d), bias, { transB: true }); // [batch, turn]
  const isDead = op.reshape(op.cast(op.greater(chosen.values, 0), 'float32'), [1, turn]);
  const codes = largestPerToken(config, op.mul(op.relu(pre), isDead), Math.min(config.auxK, turn));
  const decoder = rowsOf(value('W_dec'), d);
  const turnZeros = { W_enc: op.mul(decoder, 0), b_enc: rowsOf(zeros.b_enc, 1), W_dec: op.mul(decoder, 0) };
  const targets = { inputs: normalised, wanted: residual, bias: null };
  const { gradients } = backward(config, targets, codes, decoder, turnZeros);
  const spread = (from: Value, to: Value) => op.scatterND(to, chosen.indices, from, 'add');
  return {
    gradients: {
      W_enc: spread(gradients.W_enc, zeros.W_enc),
      b_enc: spread(gradients.b_enc, zeros.b_enc),
      W_dec: spread(gradients.W_dec, zeros.W_dec),
    },
    moves: spread(countEntries(turnZeros.b_enc, codes), zeros.b_enc),
  };
}

/** Identity on everything resident: how it is read back, since a device's tensors cannot be read by themselves. */
function readBackGraph(config: TrainingConfig): Uint8Array {
  const graph = new GraphBuilder('readBack');
  for (const [name, shape] of Object.entries(residentShapes(config))) {
    graph.output(graph.input(name, 'float32', shape), `${name}_out`);
  }
  return graph.toBytes();
}

export async function createResidentStep(
  runtime: Runtime,
  config: TrainingConfig,
  state: TrainingState,
): Promise<TrainingStep> {
  const residentOutputs = Object.keys(residentShapes(config)).map((name) => `${name}_out`);
  const plain = await runtime.createSession(residentGraph(config, false), { residentOutputs });
  const withAux =
    config.auxK === 0 ? plain : await runtime.createSession(residentGraph(config, true), { residentOutputs });
  return new ResidentStep(config, state, plain, withAux, await runtime.createSession(readBackGraph(config)));
}

class ResidentStep implements TrainingStep {
  readonly #config: TrainingConfig;
  readonly #state: TrainingState;
  readonly #plain: Session;
  readonly #withAux: Session;
  readonly #readBack: Session;
  #resident: Readonly<Record<string, Tensor>>;
  #isHostStale = false;

  constructor(config: TrainingConfig, state: TrainingState, plain: Session, withAux: Session, readBack: Session) {
    this.#config = config;
    this.#state = state;
    this.#plain = plain;
    this.#withAux = withAux;
    this.#readBack = readBack;
    this.#resident = upload(config, state);
  }

  async step(batch: Float32Array, learningRate: number): Promise<StepReport> {
    const { batchSize, d, size, beta1, beta2, deadAfterTokens } = this.#config;
    const state = this.#state;
    const next = state.step + 1;
    const scalar = (value: number) => new Tensor('float32', [value], []);
    // Before that many tokens nothing can be dead.
    const session = state.tokens + batchSize >= deadAfterTokens ? this.#withAux : this.#plain;
    const outputs = await session.run({
      x: new Tensor('float32', batch, [batchSize, d]),
      mean: new Tensor('float32', state.normalisation.mean, [d]),
      scale: scalar(state.normalisation.scale),
      learningRate: scalar(learningRate),
      correction1: scalar(1 - beta1 ** next),
      correction2: scalar(1 - beta2 ** next),
      ...(session.inputNames.includes('auxStart') ? { auxStart: scalar(auxStart(this.#config, next)) } : {}),
      ...this.#resident,
    });
    const read = (name: string) => (outputs[name]?.data as Float32Array)[0] as number;
    const fresh = Object.fromEntries(
      Object.keys(this.#resident).map((name) => [name, outputs[`${name}_out`] as Tensor]),
    );
    const loss = read('squaredError') / batchSize;
    if (!Number.isFinite(loss)) {
      disposeAll(fresh);
      throw new AppError('diverged', `Step ${next}: the loss is ${loss}.`);
    }
    disposeAll(this.#resident);
    this.#resident = fresh;
    this.#isHostStale = true;
    state.step = next;
    state.tokens += batchSize;
    if (outputs['threshold']) follow(state, read('threshold'));
    return {
      loss,
      fvu: read('squaredError') / read('squaredNorm'),
      l0: read('active') / batchSize,
      deadFraction: read('dead') / size,
    };
  }

  async state(): Promise<TrainingState> {
    if (this.#isHostStale) {
      const outputs = await this.#readBack.run(this.#resident);
      download(this.#config, this.#state, (name) => outputs[`${name}_out`]?.data as Float32Array);
      this.#isHostStale = false;
    }
    return this.#state;
  }

  async release(): Promise<void> {
    disposeAll(this.#resident);
    await this.#plain.release();
    if (this.#withAux !== this.#plain) await this.#withAux.release();
    await this.#readBack.release();
  }
}

/** Frees what the device holds for these tensors; those of the CPU need no freeing. */
function disposeAll(tensors: Readonly<Record<string, Tensor>>): void {
  for (const tensor of Object.values(tensors)) if (tensor.location !== 'cpu') tensor.dispose();
}

function upload(config: TrainingConfig, state: TrainingState): Record<string, Tensor> {
  const { step, tokens, decoderBias } = state;
  const arrays: Record<string, Float32Array> = {
    b_dec: decoderBias.value,
    b_dec_mean: decoderBias.mean,
    b_dec_square: decoderBias.square,
    weight1: Float32Array.from(state.weight1),
    weight2: Float32Array.from(state.weight2),
    rested: Float32Array.from(state.lastUpdate, (last) => step - last),
    silent: Float32Array.from(state.lastFired, (last) => (tokens - last) / config.batchSize),
  };
  for (const name of FEATURE_PARAMETERS) {
    const { value, mean, square } = state.features[name];
    Object.assign(arrays, { [name]: value, [`${name}_mean`]: mean, [`${name}_square`]: square });
  }
  return Object.fromEntries(
    Object.entries(residentShapes(config)).map(([name, shape]) => [
      name,
      new Tensor('float32', (arrays[name] as Float32Array).slice(), shape),
    ]),
  );
}

function download(config: TrainingConfig, state: TrainingState, read: (name: string) => Float32Array): void {
  for (const name of FEATURE_PARAMETERS) {
    const { value, mean, square } = state.features[name];
    value.set(read(name));
    mean.set(read(`${name}_mean`));
    square.set(read(`${name}_square`));
  }
  state.decoderBias.value.set(read('b_dec'));
  state.decoderBias.mean.set(read('b_dec_mean'));
  state.decoderBias.square.set(read('b_dec_square'));
  state.weight1.set(read('weight1'));
  state.weight2.set(read('weight2'));
  for (const [feature, steps] of read('rested').entries()) state.lastUpdate[feature] = state.step - steps;
  for (const [feature, steps] of read('silent').entries())
    state.lastFired[feature] = state.tokens - steps * config.batchSize;
}
