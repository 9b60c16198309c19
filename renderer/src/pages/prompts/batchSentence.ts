// One sentence over a batch of cases, made of its own figures.
import { outcomeWord, type BehaviourAim } from '../../../../main/contract/domain/outcomeWords.ts';

interface Outcome {
  readonly before: boolean;
  /** Null: the model was tried alone. */
  readonly after: boolean | null;
}

/** '8 of 8 show it; patched, 0 of 8.' */
export function batchSentence(aim: BehaviourAim, outcomes: readonly Outcome[]): string {
  const word = outcomeWord(aim, true).word === 'kept' ? 'pass' : 'show it';
  const before = outcomes.filter((one) => one.before).length;
  const first = `${before} of ${outcomes.length} ${word}`;
  const patched = outcomes.filter(({ after }) => after !== null);
  if (patched.length === 0) return `${first}.`;
  return `${first}; patched, ${patched.filter(({ after }) => after === true).length} of ${patched.length}.`;
}
