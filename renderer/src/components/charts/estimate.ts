import { boundsText, type Estimate } from '../../../../main/contract/domain/estimate.ts';

/** '95.3% [91.2%, 97.8%], n = 280' */
export function intervalText(estimate: Estimate, format: (value: number) => string): string {
  return `${format(estimate.value)} ${boundsText(estimate, format)}, n = ${estimate.n}`;
}
