// What an intervention does to everything else: how far the next-token distributions move, how much worse text is predicted,
// and whether free text begins to run in circles.
import type { BeforeAfter, ContinuationKl, FreeText, TextCollateral } from '../../contract/domain/evaluationReport.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { AppError } from '../../contract/base/errors.ts';
import {
  meanDifference,
  meanEstimate,
  ofConstants,
  rateDifference,
  rateEstimate,
  ratioEstimate,
  relativeDifference,
  type Range,
} from './intervals.ts';
import { FEW_ACTED, type Acted } from '../../contract/domain/acted.ts';
import type { Reading, Text } from '../interventions/intervenableModel.ts';

/**
 * Of the same texts, read without the edit and with it; a text is the unit.
 * @param vocabularySize of the model: a token costs ln of it at the most that is reckoned with where the edit never acted.
 */
export function textCollateral(
  before: readonly Reading[],
  after: readonly Reading[],
  { seed, vocabularySize }: { readonly seed: number; readonly vocabularySize: number },
): TextCollateral {
  const tokens = before.map(({ losses }) => losses.length);
  const sums = (readings: readonly Reading[]) => readings.map(({ losses }) => sum(losses));
  const [lossBefore, lossAfter] = [sums(before), sums(after)];
  const agreeing = before.map(({ losses, likeliest }, index) => {
    const other = after[index]?.likeliest ?? new Int32Array(0);
    return losses.reduce((count, _, at) => count + (likeliest[at] === other[at] ? 1 : 0), 0);
  });
  const acted = actedOn(after);
  const loss = ratioEstimate(lossBefore, tokens, seed);
  const worst = Math.log(vocabularySize);
  const ranges = {
    difference: [-loss.value, worst - loss.value],
    relative: [-1, worst / loss.value - 1],
    kl: [0, worst],
    agreement: [0, 1],
  } as const;
  const change = (estimate: Estimate, range: Range) => withActed(estimate, acted, range);
  return {
    acted,
    crossEntropy: {
      before: loss,
      after: ratioEstimate(lossAfter, tokens, seed),
      difference: change(
        ratioEstimate(
          lossAfter.map((loss, index) => loss - (lossBefore[index] ?? NaN)),
          tokens,
          seed,
        ),
        ranges.difference,
      ),
      relative: change(relativeDifference(lossBefore, lossAfter, seed), ranges.relative),
    },
    kl: change(
      ratioEstimate(
        after.map(({ kl, losses }) => sum(kl.subarray(0, losses.length))),
        tokens,
        seed,
      ),
      ranges.kl,
    ),
    agreement: change(ratioEstimate(agreeing, tokens, seed, ranges.agreement), ranges.agreement),
    tokens: tokens.reduce((total, count) => total + count, 0),
  };
}

/** At how many predicted positions the edit moved an activation, in how many texts. */
export function actedOn(readings: readonly Reading[]): Acted {
  const perText = readings.map(({ losses, shifts }) => {
    let count = 0;
    for (let position = 0; position < losses.length; position++) {
      if ([...shifts.values()].some((shift) => (shift[position] ?? 0) > 0)) count++;
    }
    return count;
  });
  return {
    count: perText.reduce((total, count) => total + count, 0),
    of: readings.reduce((total, { losses }) => total + losses.length, 0),
    units: perText.filter((count) => count > 0).length,
    ofUnits: readings.length,
  };
}

/**
 * Where the edit acted in a few texts, what is drawn again is those few: the interval is none. Where it acted in none, the texts
 * say by their number alone how much it may do in others; two graphs that differ in their last digits are no effect.
 */
function withActed(estimate: Estimate, { units }: Acted, range: Range): Estimate {
  if (units === 0) return ofConstants(estimate.value, estimate.n, range);
  return units < FEW_ACTED ? { ...estimate, noInterval: 'fewActed' } : estimate;
}

/** @param texts prompts with the original model's own continuations; @param readings with the intervention. */
export function continuationKl(
  texts: readonly Text[],
  readings: readonly Reading[],
  { seed, vocabularySize }: { readonly seed: number; readonly vocabularySize: number },
): ContinuationKl {
  const acted = actedOn(readings);
  const range = [0, Math.log(vocabularySize)] as const;
  const spans = texts.map(({ ids, promptLength }, index) => {
    const { kl } = readings[index] ?? { kl: new Float32Array(0) };
    return kl.subarray(promptLength - 1, ids.length - 1);
  });
  const figure = (values: readonly number[]) => withActed(meanEstimate(values, seed, range), acted, range);
  return {
    acted,
    perToken: figure(spans.map((span) => sum(span) / span.length)),
    firstToken: figure(spans.map((span) => span[0] ?? NaN)),
  };
}

/** Of greedy continuations of the same prompts. */
export function freeText(
  before: readonly (readonly number[])[],
  after: readonly (readonly number[])[],
  seed: number,
): FreeText {
  const same = before.filter((ids, index) => ids.join() === after[index]?.join()).length;
  const meanLength = (texts: readonly (readonly number[])[]) =>
    texts.reduce((total, ids) => total + ids.length, 0) / texts.length;
  return {
    loops: ratePair(before.map(isLoop), after.map(isLoop)),
    distinct1: meanPair(
      before.map((ids) => distinctShare(ids, 1)),
      after.map((ids) => distinctShare(ids, 1)),
      seed,
      [0, 1],
    ),
    distinct2: meanPair(
      before.map((ids) => distinctShare(ids, 2)),
      after.map((ids) => distinctShare(ids, 2)),
      seed,
      [0, 1],
    ),
    same: rateEstimate(same, before.length),
    meanLength: { before: meanLength(before), after: meanLength(after) },
  };
}

export function ratePair(before: readonly boolean[], after: readonly boolean[]): BeforeAfter {
  const rate = (values: readonly boolean[]) => rateEstimate(values.filter(Boolean).length, values.length);
  return { before: rate(before), after: rate(after), difference: rateDifference(before, after) };
}

export function meanPair(
  before: readonly number[],
  after: readonly number[],
  seed: number,
  range?: Range,
): BeforeAfter {
  return {
    before: meanEstimate(before, seed, range),
    after: meanEstimate(after, seed, range),
    difference: meanDifference(before, after, seed, range && [range[0] - range[1], range[1] - range[0]]),
  };
}

/** Some run of tokens stands three times or more in a row, six tokens or more in all. */
export function isLoop(ids: readonly number[]): boolean {
  for (let period = 1; period * 3 <= ids.length; period++) {
    const wanted = Math.max(2 * period, 6 - period); // equal pairs at this distance, one after another
    let run = 0;
    for (let at = period; at < ids.length; at++) {
      run = ids[at] === ids[at - period] ? run + 1 : 0;
      if (run >= wanted) return true;
    }
  }
  return false;
}

/** Distinct n-grams by all of them (Li et al. 2016); 1 for a text too short to have two. */
export function distinctShare(ids: readonly number[], n: number): number {
  const count = ids.length - n + 1;
  if (count < 2) return 1;
  const grams = new Set(Array.from({ length: count }, (_, at) => ids.slice(at, at + n).join()));
  return grams.size / count;
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  if (Number.isFinite(total)) return total;
  throw new AppError('diverged', 'A figure of the text is not a finite number.');
}
