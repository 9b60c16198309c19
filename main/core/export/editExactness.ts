// How exact a whole edit is where it is computed as it is defined: as its least exact operation.
import { worstBadge } from '../../contract/domain/exportForms.ts';
import { graphExactness } from '../edits/exactness.ts';
import type { FormPlan, PlanFacts } from './forms/form.ts';

/** @param how where the edit is, in a sentence; what makes it inexact follows. */
export function editExactness({ operations, dictionaryOf }: PlanFacts, how: string): FormPlan {
  const all = operations.map((operation) => graphExactness(operation, dictionaryOf(operation)));
  const badge = worstBadge(all.map((one) => one.badge));
  const reason = badge === 'exact' ? '' : (all.find((one) => one.badge === badge)?.reason ?? '');
  return { applies: true, badge, reason: `${how} ${reason}`.trim() };
}
