// Names and figures of reports, as the window writes them.
import type { SUITE_ROLES } from '../../../../main/contract/domain/outcomeWords.ts';
import { boundsText } from '../../../../main/contract/domain/estimate.ts';
import { BASELINE_NAMES } from '../../../../main/contract/domain/rivals.ts';
import type { Report } from '../../api/types.ts';
import type { Estimate } from '../../../../main/contract/domain/estimate.ts';
import { figure, percent } from '../../state/format.ts';

export const BEFORE = 'without the edit';
export const AFTER = 'with the edit';
export const BEFORE_AFTER: Readonly<Record<string, string>> = { [BEFORE]: 'var(--before)', [AFTER]: 'var(--after)' };

/** Random features by their numbers: 'random features 2 (12, 40, …)'. */
export function baselineName(
  { kind, features }: Report['baselines'][number],
  index: number,
  all: Report['baselines'],
): string {
  const drawn = features.length === 0 ? '' : ` (${features.slice(0, 2).join(', ')}${features.length > 2 ? ', …' : ''})`;
  const name = BASELINE_NAMES[kind] ?? kind;
  const same = all.filter((each) => each.kind === kind);
  const which = same.length === 1 ? '' : ` ${all.slice(0, index + 1).filter((each) => each.kind === kind).length}`;
  return `${name}${which}${drawn}`;
}

/** '95.3% [91.2%, 97.8%]' */
export function share(estimate: Estimate | null): string {
  if (!estimate) return '–';
  return `${percent(estimate.value)} ${boundsText(estimate, percent)}`;
}

export function nats(estimate: Estimate | null): string {
  return estimate ? `${figure(estimate.value)} ${boundsText(estimate, figure)}` : '–';
}

/** A difference with its sign. */
export function change(estimate: Estimate, format: (value: number) => string = percent): string {
  const signed = (value: number) => `${value > 0 ? '+' : ''}${format(value)}`;
  return `${signed(estimate.value)} ${boundsText(estimate, signed)}`;
}

export function isSignificant({ low, high, noInterval }: Estimate): boolean {
  return noInterval === undefined && (low > 0 || high < 0);
}

/** Targets first, then what is to be kept. */
export function inOrder<Suite extends { readonly role: keyof typeof SUITE_ROLES }>(suites: readonly Suite[]): Suite[] {
  const order = { target: 0, keep: 1, other: 2 };
  return suites.toSorted((a, b) => order[a.role] - order[b.role]);
}
