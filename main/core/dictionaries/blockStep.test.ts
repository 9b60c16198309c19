import { describe, expect, it } from 'vitest';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { Random } from '../numerics/random.ts';
import { createBlockStep } from './blockStep.ts';
import {
  gradients,
  loss,
  preActivations,
  ReferenceOptimizer,
  residuals,
  selectFeatures,
  type ReferenceParameters,
} from '../../testing/dictionaries/referenceStep.ts';
import { completeConfig, type TrainingConfig } from './trainingConfig.ts';
import { deadFeatures, initialState, type TrainingState } from './trainingState.ts';

const D = 12;
const SIZE = 40;
const BATCH = 64;

function config(overrides: Partial<TrainingConfig> = {}): TrainingConfig {
  return completeConfig({
    architecture: 'topk',
    d: D,
    size: SIZE,
    k: 5,
    batchSize: BATCH,
    steps: 100,
    auxK: 3,
    ...overrides,
  });
}

/** Correlated activations with an offset, `[BATCH, D]`. */
function sampleBatch(random: Random): Float32Array {
  const batch = new Float32Array(BATCH * D);
  for (let token = 0; token < BATCH; token++) {
    const common = random.normal();
    for (let j = 0; j < D; j++) batch[token * D + j] = 0.3 * j + common * Math.sin(j) + random.normal();
  }
  return batch;
}

const NORMALISATION = { mean: Float32Array.from({ length: D }, (_, j) => 0.3 * j), scale: 0.25 };

function sampleState(trainingConfig: TrainingConfig): TrainingState {
  const state = initialState(trainingConfig, NORMALISATION);
  const random = new Random(7);
  state.features.W_enc.value.forEach((value, at, array) => (array[at] = value * 0.8 + 0.05 * random.normal()));
  state.features.b_enc.value.forEach((_, at, array) => (array[at] = 0.05 * random.normal()));
  state.decoderBias.value.forEach((_, at, array) => (array[at] = 0.02 * random.normal()));
  return state;
}

function rows(array: Float32Array, width: number): number[][] {
  return Array.from({ length: array.length / width }, (_, row) =>
    Array.from(array.subarray(row * width, (row + 1) * width)),
  );
}

function toReference({ features, decoderBias }: TrainingState): ReferenceParameters {
  return {
    encoder: rows(features.W_enc.value, D),
    encoderBias: Array.from(features.b_enc.value),
    decoder: rows(features.W_dec.value, D),
    decoderBias: Array.from(decoderBias.value),
  };
}

function normalise(batch: Float32Array): number[][] {
  const { mean, scale } = NORMALISATION;
  return rows(batch, D).map((x) => x.map((value, j) => (value - (mean[j] as number)) * scale));
}

/** Largest difference from the state's float32 parameters. */
function distance(state: TrainingState, reference: ReferenceParameters): number {
  const actual = toReference(state);
  const flat = (parameters: ReferenceParameters) => [
    ...parameters.encoder.flat(),
    ...parameters.encoderBias,
    ...parameters.decoder.flat(),
    ...parameters.decoderBias,
  ];
  const expected = flat(reference);
  return Math.max(...flat(actual).map((value, at) => Math.abs(value - (expected[at] as number))));
}

describe('the reference gradients', () => {
  // Central differences of a smooth loss in float64 with h = 1e-5: truncation ~h², rounding ~1e-16/h, so 1e-8 is wide.
  for (const kind of ['main', 'aux'] as const) {
    it(`of the ${kind} loss are its finite differences`, () => {
      const parameters = toReference(sampleState(config()));
      const batch = normalise(sampleBatch(new Random(1))).slice(0, 8);
      const isMain = kind === 'main';
      const wanted = isMain ? batch : residuals(parameters, batch, selectFeatures(config(), parameters, batch));
      const fired = isMain
        ? selectFeatures(config(), parameters, batch)
        : batch.map((_, token) => [0, 1, 2].map((offset) => (token + 7 * offset) % SIZE));
      const analytic = gradients(parameters, batch, wanted, fired, isMain);
      const check = (row: number[], at: number, expected: number) => {
        const value = row[at] as number;
        const h = 1e-5;
        row[at] = value + h;
        const above = loss(parameters, batch, wanted, fired, isMain);
        row[at] = value - h;
        const below = loss(parameters, batch, wanted, fired, isMain);
        row[at] = value;
        expect(Math.abs((above - below) / (2 * h) - expected)).toBeLessThan(1e-8);
      };
      for (let feature = 0; feature < SIZE; feature += 3) {
        for (let j = 0; j < D; j += 5) {
          check(parameters.encoder[feature] as number[], j, analytic.encoder[feature]![j] as number);
          check(parameters.decoder[feature] as number[], j, analytic.decoder[feature]![j] as number);
        }
        check(parameters.encoderBias, feature, analytic.encoderBias[feature] as number);
      }
      for (let j = 0; j < D; j++) check(parameters.decoderBias, j, analytic.decoderBias[j] as number);
    });
  }
});

describe('the block step', () => {
  for (const architecture of ['topk', 'batchtopk'] as const) {
    it(`of ${architecture} follows the float64 reference, AuxK included`, async () => {
      const trainingConfig = config({ architecture, deadAfterTokens: 2 * BATCH });
      const state = sampleState(trainingConfig);
      // Some features can hardly ever fire: they die and AuxK has to train them.
      for (const feature of [3, 4, 5, 6, 7, 8, 9]) state.features.b_enc.value[feature] = -0.6;
      const reference = new ReferenceOptimizer(trainingConfig, toReference(state));
      const lastFired = new Array<number>(SIZE).fill(0);
      const step = await createBlockStep(createCpuRuntime({ threads: 2 }), trainingConfig, state);
      const random = new Random(11);
      let revived = 0;
      for (let count = 1; count <= 6; count++) {
        const raw = sampleBatch(random);
        const batch = normalise(raw);
        const fired = selectFeatures(trainingConfig, reference.parameters, batch);
        const expectedLoss = loss(reference.parameters, batch, batch, fired, true);
        const main = gradients(reference.parameters, batch, batch, fired, true);
        const residual = residuals(reference.parameters, batch, fired);
        const firing = new Set(fired.flat());
        for (const feature of firing) lastFired[feature] = count * BATCH;
        const dead = lastFired.flatMap((tokens, feature) =>
          count * BATCH - tokens >= trainingConfig.deadAfterTokens ? [feature] : [],
        );
        reference.step = count;
        reference.updateFeatures(firing, main, 0.01);
        if (dead.length > 0) {
          const pre = preActivations(reference.parameters, batch);
          const chosen = pre.map((row) =>
            [...dead]
              .sort((a, b) => (row[b] as number) - (row[a] as number))
              .slice(0, trainingConfig.auxK)
              .filter((feature) => (row[feature] as number) > 0),
          );
          revived += new Set(chosen.flat()).size;
          const aux = gradients(reference.parameters, batch, residual, chosen, false);
          reference.updateFeatures(new Set(chosen.flat()), aux, 0.01);
        }
        reference.updateDecoderBias(main.decoderBias, 0.01);

        const report = await step.step(raw, 0.01);
        expect(report.loss).toBeCloseTo(expectedLoss, 4);
        expect(report.l0).toBe(fired.flat().length / BATCH);
        expect(report.deadFraction).toBe(dead.length / SIZE);
        // Float32 against float64 over `count` steps of 0.01 in rows of unit size.
        expect(distance(state, reference.parameters)).toBeLessThan(2e-5 * count);
      }
      expect(deadFeatures(state, trainingConfig).length).toBeGreaterThan(0);
      expect(revived).toBeGreaterThan(0);
      await step.release();
    });
  }

  it('is repeatable bit for bit', async () => {
    const run = async (threads: number) => {
      const trainingConfig = config({ architecture: 'batchtopk', deadAfterTokens: BATCH });
      const state = sampleState(trainingConfig);
      const step = await createBlockStep(createCpuRuntime({ threads }), trainingConfig, state);
      const random = new Random(3);
      for (let count = 0; count < 10; count++) await step.step(sampleBatch(random), 0.01);
      await step.release();
      return [state.features.W_enc.value, state.features.W_dec.value, state.decoderBias.value].map((array) =>
        Array.from(array),
      );
    };
    expect(await run(2)).toEqual(await run(2));
  });

  it('of batchtopk lets a token have most features, and another step object goes on with the same bits', async () => {
    const trainingConfig = config({ architecture: 'batchtopk', k: 2 });
    const random = new Random(5);
    const loud = sampleBatch(random);
    for (let j = 0; j < 3 * D; j++) loud[j]! *= 30;
    const batch = sampleBatch(random);
    const runtime = createCpuRuntime({ threads: 2 });
    const start = () => createBlockStep(runtime, trainingConfig, sampleState(trainingConfig));

    const parameters = toReference(sampleState(trainingConfig));
    const fired = selectFeatures(trainingConfig, parameters, normalise(loud));
    expect(Math.max(...fired.map((features) => features.length))).toBeGreaterThan(4 * trainingConfig.k);
    const first = await start();
    const report = await first.step(loud, 0.01);
    expect(report.l0).toBe(fired.flat().length / BATCH);
    const wanted = normalise(loud);
    expect(report.loss / loss(parameters, wanted, wanted, fired, true)).toBeCloseTo(1, 5);

    const second = await createBlockStep(runtime, trainingConfig, structuredClone(await first.state()));
    // The threshold falls far below that of the loud batch, by which the first guesses, and then stays about where it is.
    for (const next of [batch, sampleBatch(random), sampleBatch(random)]) {
      expect(await first.step(next, 0.01)).toEqual(await second.step(next, 0.01));
      expect(await first.state()).toEqual(await second.state());
    }
    await first.release();
    await second.release();
  });

  it('of batchtopk sums in the same order with a guess at the threshold and without', async () => {
    const large = completeConfig({ architecture: 'batchtopk', d: D, size: 2048, k: 16, batchSize: BATCH, steps: 100 });
    const random = new Random(9);
    const runtime = createCpuRuntime({ threads: 2 });
    const first = await createBlockStep(runtime, large, initialState(large, NORMALISATION));
    await first.step(sampleBatch(random), 0.01);
    const resumed = await createBlockStep(runtime, large, structuredClone(await first.state()));
    const batch = sampleBatch(random);
    expect(await first.step(batch, 0.01)).toEqual(await resumed.step(batch, 0.01));
    expect(await first.state()).toEqual(await resumed.state());
    await first.release();
    await resumed.release();
  });

  it('refuses a batch that is not finite and keeps its parameters', async () => {
    const trainingConfig = config();
    const state = sampleState(trainingConfig);
    const before = toReference(state);
    const step = await createBlockStep(createCpuRuntime({ threads: 1 }), trainingConfig, state);
    const batch = sampleBatch(new Random(1));
    batch[5] = Number.NaN;
    await expect(step.step(batch, 0.01)).rejects.toMatchObject({ code: 'diverged' });
    expect(toReference(state)).toEqual(before);
    expect(state.step).toBe(0);
    await step.release();
  });

  it('survives a batch on which nothing fires', async () => {
    const trainingConfig = config({ deadAfterTokens: BATCH });
    const state = sampleState(trainingConfig);
    state.features.b_enc.value.fill(-100);
    const step = await createBlockStep(createCpuRuntime({ threads: 1 }), trainingConfig, state);
    const report = await step.step(sampleBatch(new Random(1)), 0.01);
    expect(report.l0).toBe(0);
    expect(report.deadFraction).toBe(1);
    await step.release();
  });
});
