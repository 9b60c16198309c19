// Whether an artifact does what the workbench showed: what is measured, and what is tolerated.
import type { ContinuationAgreement, Equivalence } from '../../contract/domain/equivalence.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { DeviceName } from '../onnx/runtime.ts';
import { LogitComparison } from './logitComparison.ts';
import type { Continuations } from './modelRuns.ts';

/**
 * Both models are the same graph over the same weights; only rounding may differ, by the order of sums. 2·10⁻⁴ standard
 * deviations of the logits (or 10⁻⁴, the larger) is what an imported model may differ from its reference by.
 */
const LOGIT_TOLERANCE = 1e-4;
const LOGIT_TOLERANCE_IN_STD = 2e-4;
/** Nats per position. Differences of that size in the logits give KL around 10⁻⁸. */
const KL_TOLERANCE = 1e-6;

/** Compares artifact and workbench: logits by and by, then the continuations. */
export class EquivalenceCheck {
  readonly #comparison = new LogitComparison();
  readonly #vocabularySize: number;

  constructor(vocabularySize: number) {
    this.#vocabularySize = vocabularySize;
  }

  addLogits(expected: Float32Array, actual: Float32Array): void {
    this.#comparison.add(expected, actual, this.#vocabularySize);
  }

  finish(
    comparedWith: Equivalence['comparedWith'],
    device: DeviceName,
    expected: Continuations,
    actual: Continuations,
  ): Equivalence {
    // The last step's logits, of prompts that went the same way: they depend on the whole cache.
    const width = this.#vocabularySize;
    for (const [prompt, ids] of expected.ids.entries()) {
      if (ids.join() !== actual.ids[prompt]?.join()) continue;
      const range = [prompt * width, (prompt + 1) * width] as const;
      this.addLogits(expected.lastLogits.subarray(...range), actual.lastLogits.subarray(...range));
    }
    const logits = this.#comparison.result();
    const tolerance = {
      maxAbsLogitDiff: Math.max(LOGIT_TOLERANCE, LOGIT_TOLERANCE_IN_STD * logits.logitStd),
      meanKl: KL_TOLERANCE,
    };
    const greedy = compareContinuations(expected, actual, 2 * tolerance.maxAbsLogitDiff);
    return { comparedWith, device, logits, greedy, tolerance };
  }
}

/** Share of the same tokens, place by place. */
export function agreementOf(a: Continuations, b: Continuations): number {
  let [same, all] = [0, 0];
  for (const [prompt, ids] of a.ids.entries()) {
    for (const [step, id] of ids.entries()) {
      all += 1;
      if (b.ids[prompt]?.[step] === id) same += 1;
    }
  }
  return all === 0 ? 1 : same / all;
}

function compareContinuations(
  expected: Continuations,
  actual: Continuations,
  tieMargin: number,
): ContinuationAgreement {
  let [ties, divergences] = [0, 0];
  for (const [prompt, ids] of expected.ids.entries()) {
    const parting = ids.findIndex((id, step) => actual.ids[prompt]?.[step] !== id);
    if (parting === -1) continue;
    if ((expected.margins[prompt]?.[parting] ?? Infinity) <= tieMargin) ties += 1;
    else divergences += 1;
  }
  return {
    prompts: expected.ids.length,
    newTokens: expected.ids[0]?.length ?? 0,
    agreement: agreementOf(expected, actual),
    ties,
    divergences,
  };
}

/** @throws AppError `verification-failed` that says what is beyond the tolerance. */
export function requireEquivalence(artifact: string, { logits, greedy, tolerance }: Equivalence): void {
  const failures: string[] = [];
  // Each written so that a NaN fails.
  if (!(logits.maxAbsLogitDiff <= tolerance.maxAbsLogitDiff)) {
    failures.push(`its logits differ by up to ${logits.maxAbsLogitDiff}, tolerated are ${tolerance.maxAbsLogitDiff}`);
  }
  if (!(logits.meanKl <= tolerance.meanKl)) {
    failures.push(`the mean KL divergence is ${logits.meanKl} nats, tolerated are ${tolerance.meanKl}`);
  }
  if (greedy.divergences > 0) {
    failures.push(`it goes on differently with ${greedy.divergences} of ${greedy.prompts} prompts`);
  }
  if (failures.length === 0) return;
  throw new AppError(
    'verification-failed',
    `${artifact}: the artifact does not do what the workbench showed: ${failures.join('; ')}.`,
    {
      details: {
        maxAbsLogitDiff: logits.maxAbsLogitDiff,
        kl: logits.meanKl,
        greedyAgreement: greedy.agreement,
        tolerance: tolerance.maxAbsLogitDiff,
      },
    },
  );
}
