// A share with its interval and sample, as it stands in lists: '96.4% [91%, 99%] of 280'.
import type { ListedBehaviour } from '../../api/types.ts';
import { percent } from '../../state/format.ts';

export function metricText(metric: ListedBehaviour['unedited']): string {
  if (metric === null) return 'not run';
  const { value, low, high, sample } = metric;
  const interval = low === undefined || high === undefined ? '' : ` [${percent(low)}, ${percent(high)}]`;
  return `${percent(value)}${interval}${sample === undefined ? '' : ` of ${sample}`}`;
}
