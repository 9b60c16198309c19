// Choosing the next token from a row of logits: greedy, or at random after temperature, top-k and top-p (in this order, as
// transformers does). In double precision; equal logits keep the order of their ids, so that a choice never depends on a
// sorting algorithm.
import { AppError } from '../../contract/base/errors.ts';
import type { Random } from '../numerics/random.ts';

export interface SamplingOptions {
  /** Logits are divided by it; 0, the default, always takes the likeliest token. */
  readonly temperature?: number;
  /** Only the k likeliest tokens. */
  readonly topK?: number;
  /** Only the fewest likeliest tokens whose probabilities add up to this much (Holtzman et al. 2020). */
  readonly topP?: number;
}

/** @throws AppError `usage` for numbers that make no sense. */
export function checkSampling({ temperature = 0, topK, topP }: SamplingOptions): void {
  const refuse = (reason: string) => new AppError('usage', reason);
  if (!(temperature >= 0 && temperature < Infinity))
    throw refuse(`The temperature must be 0 or more, not ${temperature}.`);
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) {
    throw refuse(`Top-k must be a whole number from 1, not ${topK}.`);
  }
  if (topP !== undefined && !(topP > 0 && topP <= 1)) throw refuse(`Top-p must be above 0 and at most 1, not ${topP}.`);
}

/** The id of the largest logit, the first among equals. */
export function argMax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if ((logits[id] as number) > (logits[best] as number)) best = id;
  return best;
}

export function sampleToken(logits: Float32Array, options: SamplingOptions, random: Random): number {
  const { temperature = 0, topK, topP = 1 } = options;
  const best = argMax(logits);
  if (temperature === 0) return best;
  const largest = logits[best] as number;
  const weightOf = (id: number) => Math.exp(((logits[id] as number) - largest) / temperature);

  let candidates = keepTopK(logits, topK ?? logits.length);
  if (topP < 1) candidates = keepTopP(candidates, weightOf, topP);
  let total = 0;
  for (const id of candidates) total += weightOf(id);
  let remaining = random.uniform() * total;
  for (const id of candidates) {
    remaining -= weightOf(id);
    if (remaining < 0) return id;
  }
  return best; // reached only when rounding leaves a crumb of the total
}

/** Ids of the k largest logits, in the order of ids. */
function keepTopK(logits: Float32Array, k: number): number[] {
  const ids: number[] = [];
  if (k >= logits.length) {
    for (let id = 0; id < logits.length; id++) ids.push(id);
    return ids;
  }
  const smallestKept = Float32Array.from(logits).sort()[logits.length - k] as number;
  let equalsLeft = k;
  for (const logit of logits) if (logit > smallestKept) equalsLeft--;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] as number;
    if (logit > smallestKept || (logit === smallestKept && equalsLeft-- > 0)) ids.push(id);
  }
  return ids;
}

/** The likeliest ids until their weights reach the share `topP` of all weights. */
function keepTopP(ids: readonly number[], weightOf: (id: number) => number, topP: number): number[] {
  const weighted = ids.map((id) => ({ id, weight: weightOf(id) }));
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  // All tokens below this share of the rest that may be left out are left out together: they need not be sorted.
  const negligible = (total * (1 - topP)) / ids.length;
  const sorted = weighted
    .filter(({ weight }) => weight >= negligible)
    .sort((a, b) => b.weight - a.weight || a.id - b.id);
  const kept: number[] = [];
  let sum = 0;
  for (const { id, weight } of sorted) {
    kept.push(id);
    sum += weight;
    if (sum >= topP * total) break;
  }
  return kept;
}
