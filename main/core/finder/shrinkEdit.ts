// Backward elimination: without an operation, or with a weaker one, while the goal stays reached.
import type { Effect } from '../../contract/domain/finding.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { numberOf, type Operation } from '../../contract/domain/operations/index.ts';
import { weaker, without, withOperation } from './candidateOperations.ts';
import { remaining, shownShare } from './objective.ts';
import type { OnStep } from './step.ts';
import type { Trials } from './trials.ts';

/** Harm that elimination may add, in nats a case, to make the edit simpler; and what a weaker operation must save. */
const FREE_HARM = 0.002;

interface Smaller {
  readonly action: 'remove' | 'weaken';
  readonly operation: Operation;
  readonly edit: Edit;
}

export interface ShrinkContext {
  readonly trials: Trials;
  /** Whether an edit that reaches the goal by its scores reaches it by what the model says with it, too. */
  readonly holds: (edit: Edit) => Promise<boolean>;
  readonly onStep: OnStep;
}

/** @param found an edit that reaches the goal, by its scores or by what the model says with it. */
export async function shrinkEdit(found: Edit, context: ShrinkContext): Promise<Edit> {
  const { trials, onStep } = context;
  const scores = await trials.scores(trials.target, found);
  const { cases, before: unedited, weights } = trials.target;
  // By its scores, a smaller edit may leave as many texts likely as this one.
  const mostShown = shownShare(cases, unedited, scores);
  const [harm = 0] = await trials.harmsOf([found]);
  let edit = found;
  let before: Effect = { remaining: remaining(cases, unedited, scores, weights), harm };
  for (;;) {
    const removals = withoutEach(edit);
    const weakenings = weakenedEach(edit);
    const limits = { harm: before.harm, mostShown };
    const next = (await leastHarmful(removals, limits, context)) ?? (await leastHarmful(weakenings, limits, context));
    if (!next) return edit;
    edit = next.edit;
    const { action, operation, remaining: left, harm: harmed } = next;
    const tried = removals.length + (action === 'remove' ? 0 : weakenings.length);
    const after: Effect = { remaining: left, harm: harmed };
    onStep({ action, operations: [operation], before, ...after, tried, runnersUp: [] });
    before = after;
  }
}

/** Of those that still reach the goal. Null when none does, or none harms little enough. */
async function leastHarmful(
  options: readonly Smaller[],
  { harm: harmed, mostShown }: { readonly harm: number; readonly mostShown: number },
  { trials, holds }: ShrinkContext,
) {
  const reaching = await trials.reaching(options, mostShown);
  const harms = await trials.harmsOf(reaching.map(({ edit }) => edit));
  const byHarm = reaching
    .map((option, index) => ({ ...option, harm: harms[index] ?? Infinity }))
    .filter((option) => option.harm < harmed + (isSimpler(option) ? FREE_HARM : -FREE_HARM))
    .sort((a, b) => a.harm - b.harm);
  for (const option of byHarm) if (await holds(option.edit)) return option;
  return null;
}

function withoutEach(edit: Edit): Smaller[] {
  if (edit.operations.length < 2) return [];
  return edit.operations.map((operation) => ({ action: 'remove', operation, edit: without(edit, operation) }));
}

function weakenedEach(edit: Edit): Smaller[] {
  return edit.operations.flatMap((operation) =>
    weaker(operation).map((weak): Smaller => ({ action: 'weaken', operation: weak, edit: withOperation(edit, weak) })),
  );
}

/** Fewer operations are simpler, and so is one that needs no number. */
function isSimpler({ action, operation }: Smaller): boolean {
  return action === 'remove' || numberOf(operation) === null;
}
