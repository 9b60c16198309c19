import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validate } from '../../contract/base/validate.ts';
import { completeConfig, learningRateAt, TrainingConfigSchema, type TrainingRequest } from './trainingConfig.ts';

const REQUEST: TrainingRequest = { architecture: 'topk', d: 64, size: 1024, k: 32, batchSize: 2048, steps: 6000 };

const accept = (changes: Partial<TrainingRequest> = {}) =>
  validate(TrainingConfigSchema, completeConfig({ ...REQUEST, ...changes }), 'The training run');

describe('the configuration of a training run', () => {
  it('has a default for everything that was not said', () => {
    expect(accept()).toEqual({
      ...REQUEST,
      learningRate: 0.02,
      warmupSteps: 300,
      decayFraction: 0.2,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      deadAfterTokens: 409_600,
      auxK: 32,
      seed: 0,
    });
    expect(accept({ steps: 1_000_000 })).toMatchObject({ warmupSteps: 1000, deadAfterTokens: 10_000_000 });
    expect(accept({ steps: 10 })).toMatchObject({ warmupSteps: 0, deadAfterTokens: 50 * 2048 });
    // ∝ 1/√(size·d)
    expect(accept({ size: 4096, d: 256 }).learningRate).toBeCloseTo(0.02 / 4, 12);
    expect(accept({ d: 1, size: 1, k: 1 }).auxK).toBe(1);
  });

  it('is read from the file of an older program, which lacks a setting with a fixed default', () => {
    const { beta2: _, ...older } = accept();
    expect(validate(TrainingConfigSchema, older, 'run.json')).toEqual(accept());
    const { learningRate: __, ...broken } = accept();
    expect(() => validate(TrainingConfigSchema, broken, 'run.json')).toThrow(/learningRate/u);
  });

  it('keeps what was said', () => {
    const said = { learningRate: 1e-3, warmupSteps: 0, decayFraction: 0, beta1: 0, beta2: 0, auxK: 0, seed: -7 };
    expect(accept(said)).toMatchObject(said);
  });

  it.each<[string, Partial<TrainingRequest>]>([
    ['more features on a token than there are', { k: 1025 }],
    ['no feature on a token', { k: 0 }],
    ['half a feature', { size: 1.5, k: 1 }],
    ['no features', { size: 0, k: 0 }],
    ['no steps', { steps: 0 }],
    ['NaN steps', { steps: NaN }],
    ['endless steps', { steps: Infinity }],
    ['an empty batch', { batchSize: 0 }],
    ['no width', { d: 0 }],
    ['a width beyond all models', { d: 1e9 }],
    ['a learning rate of zero', { learningRate: 0 }],
    ['a negative learning rate', { learningRate: -1 }],
    ['a learning rate of 10', { learningRate: 10 }],
    ['a NaN learning rate', { learningRate: NaN }],
    ['a warm-up of less than nothing', { warmupSteps: -1 }],
    ['a decay over more than all steps', { decayFraction: 1.1 }],
    // Adam's mean would be divided by 1 − β = 0.
    ['a first moment that never learns', { beta1: 1 }],
    ['a second moment that never learns', { beta2: 1 }],
    ['a negative moment', { beta2: -0.1 }],
    ['no epsilon', { epsilon: 0 }],
    ['an infinite epsilon', { epsilon: Infinity }],
    ['features that are dead at once', { deadAfterTokens: 0 }],
    ['negative auxK', { auxK: -1 }],
    ['a seed that is no whole number', { seed: 0.5 }],
  ])('refuses %s', (_, changes) => {
    expect(() => accept(changes)).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
  });
});

describe('the learning rate', () => {
  const config = accept({ learningRate: 0.5, steps: 1000, warmupSteps: 100, decayFraction: 0.2 });

  it('rises linearly, stays, and falls linearly', () => {
    expect(learningRateAt(config, 0)).toBeCloseTo(0.5 / 100, 12);
    expect(learningRateAt(config, 49)).toBeCloseTo(0.25, 12);
    expect(learningRateAt(config, 99)).toBe(0.5);
    expect(learningRateAt(config, 100)).toBe(0.5);
    expect(learningRateAt(config, 800)).toBe(0.5);
    expect(learningRateAt(config, 801)).toBeCloseTo(0.5 * (199 / 200), 12);
    expect(learningRateAt(config, 900)).toBeCloseTo(0.25, 12);
    expect(learningRateAt(config, 999)).toBeCloseTo(0.5 / 200, 12);
  });

  it('is constant without warm-up and decay', () => {
    const constant = { ...config, warmupSteps: 0, decayFraction: 0 };
    expect([0, 1, 500, 999].map((step) => learningRateAt(constant, step))).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  it('is never zero, and never more than was asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.nat(6000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(),
        (steps, warmupSteps, decayFraction, at) => {
          const rate = learningRateAt({ ...config, steps, warmupSteps, decayFraction }, at % steps);
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(0.5);
        },
      ),
    );
  });
});
