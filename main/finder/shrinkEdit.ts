// Backward elimination: without an operation, or with a weaker one, while the goal stays reached.
import type { Edit, Operation } from '../edits/edit.ts';
import { weaker, without, withOperation } from './moves.ts';
import type { Effect, FindStep, OnStep } from './step.ts';
import type { Trials } from './trials.ts';

/** Harm that elimination may add, in nats a case, to make the edit simpler; and what a weaker operation must save. */
const FREE_HARM = 0.002;

interface Smaller {
  readonly action: Exclude<FindStep['action'], 'add'>;
  readonly operation: Operation;
  readonly edit: Edit;
}

/** @returns `found` itself when it does not reach the goal. */
export async function shrinkEdit(found: Edit, trials: Trials, onStep: OnStep): Promise<Edit> {
  const [first] = await trials.reaching([{ edit: found }]);
  if (!first) return found;
  const [harm = 0] = await trials.harmsOf([found]);
  let edit = found;
  let before: Effect = { remaining: first.remaining, harm };
  for (;;) {
    const removals = withoutEach(edit);
    const weakenings = weakenedEach(edit);
    const next =
      (await leastHarmful(removals, trials, before.harm)) ?? (await leastHarmful(weakenings, trials, before.harm));
    if (!next) return edit;
    edit = next.edit;
    const { action, operation, remaining, harm: harmed } = next;
    const tried = removals.length + (action === 'remove' ? 0 : weakenings.length);
    onStep({ action, operations: [operation], before, remaining, harm: harmed, tried, runnersUp: [] });
    before = { remaining, harm: harmed };
  }
}

/** Of those that still reach the goal. Null when none does, or none harms little enough. */
async function leastHarmful(options: readonly Smaller[], trials: Trials, harmed: number) {
  const reaching = await trials.reaching(options);
  const harms = await trials.harmsOf(reaching.map(({ edit }) => edit));
  const [best] = reaching
    .map((option, index) => ({ ...option, harm: harms[index] ?? Infinity }))
    .filter((option) => option.harm < harmed + (isSimpler(option) ? FREE_HARM : -FREE_HARM))
    .sort((a, b) => a.harm - b.harm);
  return best ?? null;
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

/** Fewer operations are simpler, and an ablation needs no value. */
function isSimpler({ action, operation }: Smaller): boolean {
  return action === 'remove' || operation.kind === 'ablate';
}
