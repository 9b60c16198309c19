// The steps of a search in words: what was tried, what was taken, and why.
import { stepSoundness } from '../../../../main/contract/domain/soundness.ts';
import type { FoundStep, Operation } from '../../api/types.ts';
import { figure, percent } from '../../state/format.ts';
import { operationText } from '../edits/operationText.ts';
import type { LabelOf } from '../edits/versionNames.ts';

function words(operations: readonly Operation[], labelOf: LabelOf): string {
  return operations
    .map((operation) => {
      const label = labelOf(operation, operation.feature);
      return `feature ${operation.feature}${label === null ? '' : ` “${label}”`}: ${operationText(operation, labelOf)}`;
    })
    .join('; and ');
}

/** Less than a thousandth of a nat is nothing that anybody could see. */
export function nats(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001 ? '< 0.001 nats' : `${figure(value)} nats`;
}

export interface StepWords {
  /** 'Added' */
  readonly did: string;
  readonly what: string;
  readonly why: string;
}

export function stepWords(
  { action, operations, before, remaining, harm, tried, sound, runnersUp }: FoundStep,
  labelOf: LabelOf,
): StepWords {
  const what = words(operations, labelOf);
  const outcome = `${percent(remaining)} of the behaviour is left (before: ${percent(before.remaining)}), at a harm of ${nats(harm)} (before: ${nats(before.harm)})`;
  const [next] = runnersUp;
  const rival = next
    ? ` The next best, ${words(next.operations, labelOf)}, would leave ${percent(next.remaining)} at ${next.isLeast ? '≥ ' : ''}${nats(next.harm)}.`
    : '';
  const soundness = sound ? ` ${stepSoundness(sound)}` : '';
  switch (action) {
    case 'add':
      return { did: 'Added', what, why: `The best of ${tried} edits tried: ${outcome}.${soundness}${rival}` };
    case 'remove':
      return { did: 'Removed', what, why: `It was not needed: without it ${outcome}, and the goal stays reached.` };
    case 'weaken':
      return { did: 'Weakened', what, why: `Less is enough: ${outcome}, and the goal stays reached.` };
    case 'alter':
      return { did: 'Changed the numbers', what, why: `What is said instead is sounder: ${outcome}.${soundness}` };
    case 'beginAnew':
      return {
        did: 'Restarted without',
        what,
        why: `With it the model says the same in other words: where the checks ask for it, ${percent(before.remaining)} is left. From here on only that counts.`,
      };
  }
}
