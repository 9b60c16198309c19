// A slow float64 training step, written from the formulas alone: what blockStep.ts is measured against in tests. Its own
// gradients are in turn checked against finite differences of its losses.
import type { TrainingConfig } from '../../core/dictionaries/trainingConfig.ts';

export interface ReferenceParameters {
  /** Rows of `[size, d]`. */
  readonly encoder: number[][];
  readonly encoderBias: number[];
  readonly decoder: number[][];
  readonly decoderBias: number[];
}

export interface Gradients {
  readonly encoder: number[][];
  readonly encoderBias: number[];
  readonly decoder: number[][];
  readonly decoderBias: number[];
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, j) => sum + value * (b[j] as number), 0);
const zeros = (rows: number, columns: number) => Array.from({ length: rows }, () => new Array<number>(columns).fill(0));

/** Features that fire on every token: the k largest (topk), or the batch·k largest of the batch, where positive. */
export function selectFeatures(
  config: TrainingConfig,
  parameters: ReferenceParameters,
  batch: readonly number[][],
): number[][] {
  const pre = preActivations(parameters, batch);
  if (config.architecture === 'topk') return pre.map((row) => largest(row, config.k));
  const all = pre.flatMap((row, token) => row.map((value, feature) => ({ value, token, feature })));
  const kept = all
    .filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value)
    .slice(0, config.k * batch.length);
  return batch.map((_, token) => kept.filter((entry) => entry.token === token).map(({ feature }) => feature));
}

export function preActivations({ encoder, encoderBias }: ReferenceParameters, batch: readonly number[][]): number[][] {
  return batch.map((x) => encoder.map((row, feature) => dot(row, x) + (encoderBias[feature] as number)));
}

function largest(row: readonly number[], k: number): number[] {
  const order = row.map((_, feature) => feature).sort((a, b) => (row[b] as number) - (row[a] as number));
  return order.slice(0, k).filter((feature) => (row[feature] as number) > 0);
}

function errors(
  parameters: ReferenceParameters,
  batch: readonly number[][],
  wanted: readonly number[][],
  fired: readonly number[][],
  hasBias: boolean,
) {
  const { encoder, encoderBias, decoder, decoderBias } = parameters;
  return batch.map((x, token) => {
    const error = (wanted[token] as number[]).map((value, j) => (hasBias ? (decoderBias[j] as number) : 0) - value);
    const activations = (fired[token] as number[]).map((feature) => {
      const activation = dot(encoder[feature] as number[], x) + (encoderBias[feature] as number);
      for (const [j, value] of (decoder[feature] as number[]).entries()) error[j]! += activation * value;
      return activation;
    });
    return { error, activations };
  });
}

/**
 * mean_t ‖reconstruction − wanted‖² over given features: `wanted` is the batch itself for the main loss (with the decoder
 * bias), the residual for AuxK (without).
 */
export function loss(
  parameters: ReferenceParameters,
  batch: readonly number[][],
  wanted: readonly number[][],
  fired: readonly number[][],
  hasBias: boolean,
): number {
  const all = errors(parameters, batch, wanted, fired, hasBias);
  return all.reduce((sum, { error }) => sum + dot(error, error), 0) / batch.length;
}

export function residuals(
  parameters: ReferenceParameters,
  batch: readonly number[][],
  fired: readonly number[][],
): number[][] {
  return errors(parameters, batch, batch, fired, true).map(({ error }) => error.map((value) => -value));
}

export function gradients(
  parameters: ReferenceParameters,
  batch: readonly number[][],
  wanted: readonly number[][],
  fired: readonly number[][],
  hasBias: boolean,
): Gradients {
  const size = parameters.encoder.length;
  const d = parameters.decoderBias.length;
  const result: Gradients = {
    encoder: zeros(size, d),
    encoderBias: new Array<number>(size).fill(0),
    decoder: zeros(size, d),
    decoderBias: new Array<number>(d).fill(0),
  };
  const scale = 2 / batch.length;
  for (const [token, { error, activations }] of errors(parameters, batch, wanted, fired, hasBias).entries()) {
    const x = batch[token] as number[];
    if (hasBias) for (let j = 0; j < d; j++) result.decoderBias[j]! += scale * (error[j] as number);
    for (const [slot, feature] of (fired[token] as number[]).entries()) {
      const upstream = scale * dot(error, parameters.decoder[feature] as number[]);
      result.encoderBias[feature]! += upstream;
      for (let j = 0; j < d; j++) {
        result.encoder[feature]![j]! += upstream * (x[j] as number);
        result.decoder[feature]![j]! += scale * (activations[slot] as number) * (error[j] as number);
      }
    }
  }
  return result;
}

interface Moments {
  mean: number[];
  square: number;
}

/** Adam with one second moment per row, moments that rest with their feature, and a decoder kept on the unit sphere. */
export class ReferenceOptimizer {
  readonly #config: TrainingConfig;
  readonly parameters: ReferenceParameters;
  readonly #moments = new Map<string, Moments>();
  readonly #lastUpdate: number[];
  readonly #weights: { first: number; second: number }[];
  readonly #bias: { mean: number[]; square: number[] };
  step = 0;

  constructor(config: TrainingConfig, parameters: ReferenceParameters) {
    this.#config = config;
    this.parameters = parameters;
    this.#lastUpdate = new Array<number>(config.size).fill(0);
    this.#weights = Array.from({ length: config.size }, () => ({ first: 0, second: 0 }));
    this.#bias = { mean: new Array<number>(config.d).fill(0), square: new Array<number>(config.d).fill(0) };
  }

  updateFeatures(features: ReadonlySet<number>, gradient: Gradients, learningRate: number): void {
    const { beta1, beta2 } = this.#config;
    for (const feature of features) {
      const rested = this.step - (this.#lastUpdate[feature] as number);
      this.#lastUpdate[feature] = this.step;
      const weights = this.#weights[feature] as { first: number; second: number };
      weights.first = weights.first * beta1 ** rested + 1 - beta1;
      weights.second = weights.second * beta2 ** rested + 1 - beta2;
      const move = (name: string, row: number[], g: readonly number[]) => {
        const moments = this.#moments.get(`${name}.${feature}`) ?? { mean: g.map(() => 0), square: 0 };
        this.#moments.set(`${name}.${feature}`, moments);
        moments.mean = moments.mean.map((value, j) => value * beta1 ** rested + (1 - beta1) * (g[j] as number));
        moments.square = moments.square * beta2 ** rested + (1 - beta2) * (dot(g, g) / g.length);
        const rate = learningRate / weights.first / (Math.sqrt(moments.square / weights.second) + this.#config.epsilon);
        for (let j = 0; j < row.length; j++) row[j]! -= rate * (moments.mean[j] as number);
      };
      move('encoder', this.parameters.encoder[feature] as number[], gradient.encoder[feature] as number[]);
      const bias = [this.parameters.encoderBias[feature] as number];
      move('bias', bias, [gradient.encoderBias[feature] as number]);
      this.parameters.encoderBias[feature] = bias[0] as number;
      const row = this.parameters.decoder[feature] as number[];
      const g = gradient.decoder[feature] as number[];
      const parallel = dot(row, g);
      move(
        'decoder',
        row,
        g.map((value, j) => value - parallel * (row[j] as number)),
      );
      const norm = Math.sqrt(dot(row, row));
      for (let j = 0; j < row.length; j++) row[j]! /= norm;
    }
  }

  updateDecoderBias(gradient: readonly number[], learningRate: number): void {
    const { beta1, beta2, epsilon } = this.#config;
    for (const [j, g] of gradient.entries()) {
      this.#bias.mean[j] = beta1 * (this.#bias.mean[j] as number) + (1 - beta1) * g;
      this.#bias.square[j] = beta2 * (this.#bias.square[j] as number) + (1 - beta2) * g * g;
      const mean = this.#bias.mean[j] / (1 - beta1 ** this.step);
      const square = this.#bias.square[j] / (1 - beta2 ** this.step);
      this.parameters.decoderBias[j]! -= (learningRate * mean) / (Math.sqrt(square) + epsilon);
    }
  }
}
