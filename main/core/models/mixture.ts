// A mixture of experts in place of a feed-forward layer (Shazeer et al. 2017; Fedus et al. 2021): a router gives every token a
// probability for each expert, the token's `perToken` most probable experts compute, and their results are added, weighted by
// those probabilities. An expert computes the tokens that chose it and no others, so that a token costs `perToken` experts.
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { ConfigFields } from './config.ts';

export interface MixtureConfig {
  /** The blocks that have one; the others have a feed-forward layer. */
  readonly blocks: readonly number[];
  readonly experts: number;
  /** How many of them a token goes through. */
  readonly perToken: number;
  /** Of an expert, between its two products. */
  readonly width: number;
  /** Whether the probabilities of the chosen experts are scaled to sum to 1. */
  readonly isNormalized: boolean;
}

export interface MixtureParts {
  /** `[rows, hiddenSize]` → `[rows, experts]` */
  readonly router: (x: Value) => Value;
  /** What an expert makes of its tokens, `[rows, hiddenSize]` → `[rows, hiddenSize]`. */
  readonly expert: (x: Value, index: number) => Value;
}

const MOST_EXPERTS = 4096;

/** @throws AppError `invalid-file` for more experts per token than there are. */
export function readExperts(
  fields: ConfigFields,
  names: readonly string[],
  fallback: number,
): Pick<MixtureConfig, 'experts' | 'perToken'> {
  const name = names.find((each) => fields.has(each)) ?? names[0]!;
  const experts = fields.size(name, fallback, MOST_EXPERTS);
  const perToken = fields.size('num_experts_per_tok', undefined, MOST_EXPERTS);
  if (perToken <= experts) return { experts, perToken };
  throw fields.error('invalid-file', `a token goes through ${perToken} experts, and there are only ${experts}.`);
}

/**
 * @param x `[batch, time, hiddenSize]`
 * @returns `[batch, time, hiddenSize]`
 */
export function mixtureOfExperts(
  block: number,
  x: Value,
  { experts, perToken, isNormalized }: MixtureConfig,
  { router, expert }: MixtureParts,
): Value {
  const { graph } = x;
  const hiddenSize = op.fixedSize(x, -1);
  const rows = op.reshape(x, [`rows ${block}`, hiddenSize]);
  const { values, indices } = op.topK(op.softmax(router(rows)), perToken);
  const chosen = isNormalized ? op.div(values, op.reduceSum(values, [-1])) : values;
  let sum = op.mul(rows, 0);
  for (let index = 0; index < experts; index++) {
    const isChosen = op.equal(indices, graph.constant('int64', index));
    const weight = op.reduceSum(op.where(isChosen, chosen, 0), [-1]);
    const tokens = op.nonZero(
      op.reduceMax(op.cast(isChosen, 'float32'), [-1], { keepDims: false }),
      `tokens ${block}·${index}`,
    );
    const result = expert(op.gather(rows, tokens), index);
    const weighted = op.mul(result, op.gather(weight, tokens));
    sum = op.scatterND(sum, op.unsqueeze(tokens, [1]), weighted, 'add');
  }
  return op.reshapeLike(sum, x);
}
