// How far two sets of logits are apart, accumulated over many positions in double precision.
//   max |Δlogit|; KL(p‖q) in nats with p the softmax of the first, q of the second; how often both like the same token best.
import type { LogitDifference } from '../../contract/domain/equivalence.ts';
import { AppError } from '../../contract/base/errors.ts';

export class LogitComparison {
  #positions = 0;
  #maxAbs = 0;
  #sumKl = 0;
  #maxKl = 0;
  #sameTop = 0;
  #sum = 0;
  #sumSquares = 0;
  #count = 0;

  /**
   * @param first,second `[positions, vocabularySize]`
   * @returns KL at each position.
   */
  add(first: Float32Array, second: Float32Array, vocabularySize: number): Float64Array {
    if (first.length !== second.length || first.length % vocabularySize !== 0) {
      throw new AppError(
        'mismatch',
        `${first.length} and ${second.length} logits cannot be compared: two models differ in size.`,
      );
    }
    const divergences = new Float64Array(first.length / vocabularySize);
    for (let position = 0; position < divergences.length; position++) {
      const start = position * vocabularySize;
      divergences[position] = this.#addPosition(
        first.subarray(start, start + vocabularySize),
        second.subarray(start, start + vocabularySize),
      );
    }
    return divergences;
  }

  #addPosition(a: Float32Array, b: Float32Array): number {
    let [topA, topB] = [0, 0];
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [a[i]!, b[i]!];
      const difference = Math.abs(x - y);
      // Written so that a NaN stays: it compares as false with everything.
      if (!(difference <= this.#maxAbs)) this.#maxAbs = Number.isNaN(this.#maxAbs) ? NaN : difference;
      if (x > a[topA]!) topA = i;
      if (y > b[topB]!) topB = i;
      this.#sum += x;
      this.#sumSquares += x * x;
    }
    this.#count += a.length;
    const kl = divergence(a, b, a[topA]!, b[topB]!);
    this.#positions += 1;
    this.#sumKl += kl;
    if (!(kl <= this.#maxKl)) this.#maxKl = Number.isNaN(this.#maxKl) ? NaN : kl;
    if (topA === topB) this.#sameTop += 1;
    return kl;
  }

  /** @throws AppError `empty` when nothing was compared. */
  result(): LogitDifference {
    if (this.#positions === 0) throw new AppError('empty', 'There is no text to compare the models on.');
    const mean = this.#sum / this.#count;
    return {
      positions: this.#positions,
      maxAbsLogitDiff: this.#maxAbs,
      meanKl: this.#sumKl / this.#positions,
      maxKl: this.#maxKl,
      top1Agreement: this.#sameTop / this.#positions,
      logitStd: Math.sqrt(Math.max(0, this.#sumSquares / this.#count - mean * mean)),
    };
  }
}

/** Σ pᵢ (log pᵢ − log qᵢ), 0 at least: rounding can bring a sum of zeros a little below. */
function divergence(a: Float32Array, b: Float32Array, largestA: number, largestB: number): number {
  let [sumA, sumB, cross] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - largestA, b[i]! - largestB];
    const weight = Math.exp(x);
    sumA += weight;
    sumB += Math.exp(y);
    cross += weight * (x - y);
  }
  const kl = cross / sumA - Math.log(sumA) + Math.log(sumB);
  return kl < 0 ? 0 : kl;
}
