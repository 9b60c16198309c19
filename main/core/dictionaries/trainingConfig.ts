// What a training run is asked to do, its defaults, and the learning-rate schedule.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';

export const TRAINED_ARCHITECTURES = ['topk', 'batchtopk'] as const;
export type TrainedArchitecture = (typeof TRAINED_ARCHITECTURES)[number];

const count = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
/** Of a moment: with 1 it would never learn anything. */
const decay = v.pipe(v.number(), v.minValue(0), v.ltValue(1));

export const TrainingConfigSchema = v.object({
  architecture: v.picklist(TRAINED_ARCHITECTURES),
  /** Width of the site. */
  d: count(1 << 20),
  /** Number of features. */
  size: count(1 << 22),
  /** Features that fire on a token: exactly (topk) or on average over a batch (batchtopk). */
  k: count(1 << 16),
  /** Tokens per step. */
  batchSize: count(1 << 20),
  steps: count(1_000_000_000),
  learningRate: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)),
  warmupSteps: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** The share of the steps, at the end, over which the learning rate falls linearly to zero. */
  decayFraction: fraction,
  beta1: decay,
  beta2: decay,
  epsilon: v.pipe(v.number(), v.finite(), v.gtValue(0)),
  /** A feature is dead when it has not fired for this many tokens. */
  deadAfterTokens: count(1_000_000_000_000),
  /** Dead features that AuxK lets reconstruct the error of a token; 0 switches AuxK off. */
  auxK: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1 << 16)),
  seed: v.pipe(v.number(), v.integer()),
});

export type TrainingConfig = v.InferOutput<typeof TrainingConfigSchema>;

/** What a person has to say; everything else has a default. */
export type TrainingRequest = Pick<TrainingConfig, 'architecture' | 'd' | 'size' | 'k' | 'batchSize' | 'steps'> &
  Partial<TrainingConfig>;

/** @throws AppError `usage` where the numbers do not fit each other. */
export function completeConfig(request: TrainingRequest): TrainingConfig {
  const { size, k, steps, batchSize, d } = request;
  if (k > size) throw new AppError('usage', `k is ${k}, but the dictionary has only ${size} features.`);
  const totalTokens = steps * batchSize;
  return {
    learningRate: defaultLearningRate(size, d),
    warmupSteps: Math.min(1000, Math.floor(steps / 20)),
    decayFraction: 0.2,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    deadAfterTokens: Math.max(50 * batchSize, Math.min(10_000_000, Math.floor(totalTokens / 30))),
    auxK: Math.max(1, Math.min(Math.floor(d / 2), 2 * k, size)),
    seed: 0,
    ...request,
  };
}

/**
 * ∝ 1/√n, the scaling law of Gao et al. 2024 (arXiv 2406.04093), and ∝ 1/√d: with one second moment per row a step turns a
 * row of unit norm by an angle of about learningRate·√d, and it is the angle that should not depend on the site. The
 * constant was measured on stories260K (d 64, n 1 024), where 0.02 beats 0.01 and the field's 0.0008.
 */
function defaultLearningRate(size: number, d: number): number {
  return Math.min(1, 0.02 * Math.sqrt((1024 / size) * (64 / d)));
}

/** The learning rate of a step, 0 ≤ step < steps: linear warm-up, constant, linear decay to zero. */
export function learningRateAt(config: TrainingConfig, step: number): number {
  const { learningRate, warmupSteps, decayFraction, steps } = config;
  const warmup = warmupSteps === 0 ? 1 : Math.min(1, (step + 1) / warmupSteps);
  const decaySteps = decayFraction * steps;
  const decay = decaySteps === 0 ? 1 : Math.min(1, (steps - step) / decaySteps);
  return learningRate * warmup * decay;
}
