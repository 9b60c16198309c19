// The whole configuration of a training run: what was asked for (contract/domain/trainingSettings.ts), the width of the site,
// the defaults that are computed; and the learning-rate schedule.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { defaultsOf, storedEntries, whole, type RequestOf } from '../../contract/base/setting.ts';
import { trainingSettings } from '../../contract/domain/trainingSettings.ts';

const { architecture, ...others } = storedEntries(trainingSettings);

export const TrainingConfigSchema = v.object({
  architecture,
  /** Width of the site. */
  d: whole(1, 1 << 20),
  ...others,
});

export type TrainingConfig = v.InferOutput<typeof TrainingConfigSchema>;

/** What a person asked for, on a site. */
export type TrainingRequest = RequestOf<typeof trainingSettings> & Pick<TrainingConfig, 'd'>;

/** @throws AppError `usage` where the numbers do not fit each other. */
export function completeConfig(request: TrainingRequest): TrainingConfig {
  const { size, k, steps, batchSize, d } = request;
  if (k > size) throw new AppError('usage', `k is ${k}, but the dictionary has only ${size} features.`);
  const totalTokens = steps * batchSize;
  return {
    ...defaultsOf(trainingSettings),
    learningRate: defaultLearningRate(size, d),
    warmupSteps: Math.min(1000, Math.floor(steps / 20)),
    deadAfterTokens: Math.max(50 * batchSize, Math.min(10_000_000, Math.floor(totalTokens / 30))),
    auxK: Math.max(1, Math.min(Math.floor(d / 2), 2 * k, size)),
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
