// Two next-token distributions from their logits, in double precision.
import { AppError } from '../../contract/base/errors.ts';

export interface ComparedToken {
  readonly id: number;
  /** Softmax probability, 0 to 1; `patched` null without an edit. */
  readonly original: number;
  readonly patched: number | null;
  /** Patched logit − original logit. */
  readonly logitDifference: number | null;
}

export interface NextTokenComparison {
  /** KL(original ‖ patched) = Σ p·(log p − log q), in nats; null without an edit. */
  readonly kl: number | null;
  /** The likeliest of the original and the likeliest of the patched model, together; by the larger of the two probabilities. */
  readonly next: readonly ComparedToken[];
}

/**
 * @param patched null: there is no edit.
 * @param count how many of the likeliest of each; fewer tokens than twice as many come where they are the same.
 * @param always tokens that are told whatever their probability.
 */
export function compareLogits(
  original: Float32Array,
  patched: Float32Array | null,
  count: number,
  always: readonly number[] = [],
): NextTokenComparison {
  if (patched && patched.length !== original.length)
    throw new AppError('internal', 'Logits of different vocabularies.');
  const a = logNormalizer(original);
  const b = patched && logNormalizer(patched);
  const ids = new Set([...always, ...largest(original, count), ...(patched ? largest(patched, count) : [])]);
  const next = [...ids].map((id): ComparedToken => {
    const before = original[id] ?? NaN;
    const after = patched?.[id] ?? NaN;
    return {
      id,
      original: Math.exp(before - a),
      patched: b === null ? null : Math.exp(after - b),
      logitDifference: b === null ? null : after - before,
    };
  });
  next.sort((x, y) => Math.max(y.original, y.patched ?? 0) - Math.max(x.original, x.patched ?? 0) || x.id - y.id);
  return { kl: patched && b !== null ? divergence(original, a, patched, b) : null, next };
}

/** log Σ exp(logits). */
function logNormalizer(logits: Float32Array): number {
  let most = -Infinity;
  for (const logit of logits) if (logit > most) most = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return most + Math.log(sum);
}

function divergence(original: Float32Array, a: number, patched: Float32Array, b: number): number {
  let sum = 0;
  for (let id = 0; id < original.length; id++) {
    const logP = (original[id] as number) - a;
    sum += Math.exp(logP) * (logP - ((patched[id] as number) - b));
  }
  return Math.max(0, sum); // rounding can leave −1e−17 where the two are one
}

/** Ids of the `count` largest, the first among equals. */
function largest(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  if (count === 0) return best;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] as number;
    if (best.length === count && !(logit > (logits[best.at(-1) ?? 0] as number))) continue;
    let place = best.length;
    while (place > 0 && logit > (logits[best[place - 1] as number] as number)) place--;
    best.splice(place, 0, id);
    if (best.length > count) best.pop();
  }
  return best;
}
