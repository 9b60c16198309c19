// How far an edit with calibrated thresholds is from the edit as it is defined, in what the model then says: the figures of
// single features (featureThresholds.ts) do not tell what follows from them.
import type { LogitDifference } from '../../contract/domain/equivalence.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { InteractiveEdit, placesOf, type Dictionaries } from '../edits/editPatches.ts';
import type { Model } from '../models/model.ts';
import { buildVariant } from '../models/variant.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { promptLengthOf, type HeldOutText } from './heldOutText.ts';
import { LogitComparison } from './logitComparison.ts';
import { textLogits } from './modelRuns.ts';

export interface CalibrationDistanceOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  readonly edit: Edit;
  /** With their competition. */
  readonly exact: Dictionaries;
  /** With thresholds in its place. */
  readonly calibrated: Dictionaries;
  readonly bosTokenId: number | null;
  readonly text: HeldOutText;
  readonly signal?: AbortSignal | undefined;
}

/** Logits with the edit as it is defined, and with thresholds. @throws AppError `cancelled`, and what the engine says. */
export async function calibrationDistance(options: CalibrationDistanceOptions): Promise<LogitDifference> {
  const { runtime, model, edit, bosTokenId, text, signal } = options;
  const open = async (dictionaries: Dictionaries) => {
    const interactive = new InteractiveEdit(placesOf(edit), dictionaries, {
      bosTokenId,
      promptLength: true,
      firstFiring: true,
    });
    const graph = buildVariant(model, { head: 'logits', patches: interactive.patches });
    const session = await runtime.createSession(graph, { weightsFolder: model.weightsFolder });
    const logits = (context: ArrayLike<number>) =>
      textLogits(session, context, promptLengthOf(context), (facts) => interactive.feeds(edit, facts));
    return { logits, release: () => session.release() };
  };
  const exact = await open(options.exact);
  try {
    const calibrated = await open(options.calibrated);
    try {
      const difference = new LogitComparison();
      for (const context of text.contexts) {
        if (signal?.aborted) throw new AppError('cancelled', 'The export was cancelled.');
        difference.add(await exact.logits(context), await calibrated.logits(context), model.config.vocabularySize);
      }
      return difference.result();
    } finally {
      await calibrated.release();
    }
  } finally {
    await exact.release();
  }
}

/** For a person who decides whether it will do. */
export function distanceText({ positions, maxAbsLogitDiff, meanKl, top1Agreement }: LogitDifference): string {
  return (
    `Thresholds replace the competition of topk features: compared with the edit as defined, on ${positions} positions ` +
    `of held-out text, the logits differ by up to ${maxAbsLogitDiff.toPrecision(3)}, mean KL ${meanKl.toPrecision(3)} nats, ` +
    `and the likeliest token is the same at ${(100 * top1Agreement).toFixed(2)}% of them.`
  );
}
