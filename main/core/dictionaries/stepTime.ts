// How long a training step takes on this machine: measured, by doing some.
import { Random } from '../numerics/random.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { createTrainingStep } from './createTrainingStep.ts';
import type { TrainedKind } from '../../contract/domain/dictionaryKinds.ts';
import { completeConfig } from './trainingConfig.ts';
import { initialState } from './trainingState.ts';

export interface StepSize {
  readonly architecture: TrainedKind;
  readonly d: number;
  readonly size: number;
  readonly k: number;
  readonly batchSize: number;
}

/** What is waited for and what it may take: floating point operations of the encoder's product, and its numbers. */
const MOST_OPERATIONS = 4e9;
const MOST_NUMBERS = 1 << 24;
const WARM_UP = 2;
const ROUNDS = 3;

/**
 * Steps on standard normal activations, with as many of the features as can be done in a moment: the time grows with their
 * number.
 * @returns the median, in seconds.
 */
export async function measureStepTime(runtime: Runtime, { size, ...asked }: StepSize): Promise<number> {
  const { d, k, batchSize } = asked;
  const most = Math.max(4 * k, Math.floor(Math.min(MOST_OPERATIONS / (2 * d * batchSize), MOST_NUMBERS / batchSize)));
  const measured = Math.min(size, most);
  const config = completeConfig({ ...asked, size: measured, steps: 1_000_000 });
  const step = await createTrainingStep(
    runtime,
    config,
    initialState(config, { mean: new Float32Array(d), scale: 1 / Math.sqrt(d) }),
  );
  const random = new Random(1);
  const x = Float32Array.from({ length: batchSize * d }, () => random.normal());
  const seconds: number[] = [];
  try {
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      const at = performance.now();
      await step.step(x, 1e-3);
      if (round >= WARM_UP) seconds.push((performance.now() - at) / 1000);
    }
  } finally {
    await step.release();
  }
  const median = seconds.sort((a, b) => a - b)[ROUNDS >> 1] ?? NaN;
  return median * (size / measured);
}
