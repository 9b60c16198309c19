// The training step that suits a device: in blocks where its memory is ours, in one resident graph where it has its own.
import type { Runtime } from '../onnx/runtime.ts';
import { createBlockStep } from './blockStep.ts';
import { createResidentStep } from './residentStep.ts';
import type { TrainingConfig } from './trainingConfig.ts';
import type { TrainingState } from './trainingState.ts';
import type { TrainingStep } from './trainingStep.ts';

/** @param state is trained in place, or brought up to date by the step's `state()`. */
export function createTrainingStep(
  runtime: Runtime,
  config: TrainingConfig,
  state: TrainingState,
): Promise<TrainingStep> {
  return runtime.device === 'cpu'
    ? createBlockStep(runtime, config, state)
    : createResidentStep(runtime, config, state);
}
