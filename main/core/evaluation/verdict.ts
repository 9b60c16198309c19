// Whether what was measured stays within a budget. Each criterion says by the estimate whether it is met, and apart from that
// whether the whole 95% interval meets it: with few cases an estimate alone proves little.
import type { Criterion, EvaluationReport, SuiteReport, Verdict } from '../../contract/domain/evaluationReport.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import type { Budget } from '../../contract/domain/budgetSettings.ts';
import { rateEstimate } from './intervals.ts';

/** @returns null when there is nothing to judge: neither a suite nor text. */
export function judge(
  { suites, text, continuations }: Pick<EvaluationReport, 'suites' | 'text' | 'continuations'>,
  budget: Budget,
): Verdict | null {
  const criteria: Criterion[] = [];
  const add = (name: string, bound: Criterion['bound'], limit: number, estimate: Estimate) => {
    const isMet = bound === 'atMost' ? estimate.value <= limit : estimate.value >= limit;
    const isWithin = bound === 'atMost' ? estimate.high <= limit : estimate.low >= limit;
    const isCertain = isWithin && estimate.noInterval === undefined;
    criteria.push({ name, bound, limit, estimate, isMet, isCertain });
  };
  for (const suite of suites) {
    if (suite.role === 'keep') {
      const kept = keptShare(suite);
      if (kept) add(`${suite.name} kept`, 'atLeast', budget.kept[suite.name] ?? budget.minKept, kept);
    } else if (suite.role === 'target') {
      const limits = budget.targets[suite.name] ?? budget.target;
      const { maxRate, minRate, maxScoreShare } = limits;
      if (suite.aim === 'raise' && minRate !== undefined)
        add(`${suite.name} after`, 'atLeast', minRate, suite.rate.after);
      if (suite.aim === 'lower' && maxRate !== undefined)
        add(`${suite.name} after`, 'atMost', maxRate, suite.rate.after);
      const minSound = limits.minSound === undefined ? budget.minSound : limits.minSound;
      if (suite.aim === 'lower' && suite.sound?.replaced && minSound !== null)
        add(`${suite.name} replaced by sound answers`, 'atLeast', minSound, suite.sound.replaced);
      if (suite.score && maxScoreShare !== undefined) {
        add(`${suite.name} score left`, 'atMost', maxScoreShare, scoreShare(suite.score));
      }
    }
  }
  if (text) {
    add('cross-entropy increase', 'atMost', budget.maxCrossEntropyIncrease, text.crossEntropy.relative);
  }
  if (continuations && budget.maxKl !== null) add('KL per token', 'atMost', budget.maxKl, continuations.perToken);
  if (criteria.length === 0) return null;
  return {
    passes: criteria.every(({ isMet }) => isMet),
    isCertain: criteria.every(({ isCertain }) => isCertain),
    budget,
    criteria,
  };
}

/**
 * Of the cases that passed without the edit, the share that still passes: what newly passes makes up for nothing, so it is
 * never more than all. Null where nothing passed.
 */
export function keptShare({
  rate: { before },
  brokenCases,
}: Pick<SuiteReport, 'rate' | 'brokenCases'>): Estimate | null {
  const passed = Math.round(before.value * before.n);
  return passed === 0 ? null : rateEstimate(passed - brokenCases, passed);
}

/** |mean after| / |mean before|; the interval is that of the mean after, at the mean before. */
function scoreShare({ before, after }: NonNullable<SuiteReport['score']>): Estimate {
  const size = Math.abs(before.value);
  const [low, high] = [after.low / size, after.high / size];
  return {
    value: Math.abs(after.value) / size,
    low: low <= 0 && high >= 0 ? 0 : Math.min(Math.abs(low), Math.abs(high)),
    high: Math.max(Math.abs(low), Math.abs(high)),
    n: after.n,
    ...(after.noInterval === undefined ? {} : { noInterval: after.noInterval }),
  };
}
