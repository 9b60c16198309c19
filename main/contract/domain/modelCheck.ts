// The verdict on a model that was compared with another program's numbers, with the tolerance that it is given by.

/** Largest difference of a logit, in standard deviations of the reference's logits. */
export const DEFAULT_LOGIT_TOLERANCE = 0.001;

export interface CheckedModel {
  readonly maxAbsLogitDiff: number;
  readonly logitStd: number;
  readonly greedyMatch: { readonly cached: boolean; readonly uncached: boolean } | null;
}

export interface ModelVerdict {
  readonly passes: boolean;
  /** 'The model is imported right: …' or what is wrong, with figure and tolerance. */
  readonly text: string;
}

/**
 * Float32 sums in another order give some 1e-5 of a standard deviation; a wrong rotary base, norm or bias gives more than a
 * tenth. A reference computed in half precision needs a tolerance of its own, such as 0.05.
 */
export function modelCheckVerdict(
  { maxAbsLogitDiff, logitStd, greedyMatch }: CheckedModel,
  tolerance = DEFAULT_LOGIT_TOLERANCE,
): ModelVerdict {
  const relative = maxAbsLogitDiff / logitStd;
  const isClose = relative <= tolerance;
  const isSame = !greedyMatch || (greedyMatch.cached && greedyMatch.uncached);
  const figure = `the largest logit difference is ${relative.toExponential(1)} standard deviations (tolerance ${tolerance})`;
  if (isClose && isSame) return { passes: true, text: `The model matches the reference: ${figure}.` };
  const faults = [...(isClose ? [] : [figure]), ...(isSame ? [] : ['greedy text differs'])];
  return { passes: false, text: `The model does NOT match the reference: ${faults.join(', and ')}.` };
}
