// What the trainer needs of a training step, whatever the device it runs on.
import type { TrainingState } from './trainingState.ts';

export interface StepReport {
  /** mean_t ‖x̂ − x‖² in normalised units. */
  readonly loss: number;
  /** Σ‖x̂ − x‖² / Σ‖x‖² over the batch (x is centred, so this estimates FVU). */
  readonly fvu: number;
  /** Mean number of features that fired on a token. */
  readonly l0: number;
  readonly deadFraction: number;
}

export interface TrainingStep {
  /**
   * One step of the optimiser.
   * @param batch `[batchSize, d]` raw activations
   * @throws AppError `diverged` when the loss is not a finite number; the parameters are then as before the step.
   */
  step(batch: Float32Array, learningRate: number): Promise<StepReport>;
  /** The state as of the last step; read back from the device where it lives there. */
  state(): Promise<TrainingState>;
  release(): Promise<void>;
}
