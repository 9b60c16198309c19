// Which answers to a suite are sound, before and after an edit.
import type { AnswerSoundness, GeneratedAnswer } from './answerSoundness.ts';
import { at, spread } from './spread.ts';
import type { Faults, JudgedSuite, Suite } from './suites.ts';

/** Answers that are judged to each suite that is not a target: each is scored twice. */
const JUDGED_CASES = 60;

interface Answered extends Pick<Suite, 'role' | 'cases'> {
  /** In the order of the cases. */
  readonly before: readonly GeneratedAnswer[];
  readonly after: readonly GeneratedAnswer[];
}

/** All answers to a target are judged, and some to other suites; null stands for those that are not. */
export async function judgeSuite(
  soundness: Pick<AnswerSoundness, 'reference' | 'judge'>,
  { role, cases, before, after }: Answered,
  signal: AbortSignal | undefined,
): Promise<JudgedSuite> {
  const indices = [...cases.keys()];
  const judged = role === 'target' ? indices : spread(indices, JUDGED_CASES);
  const base = judged.map((index) => at(before, index));
  const judge = async (outcomes: readonly GeneratedAnswer[]): Promise<Faults> => {
    const answers = judged.map((index) => at(outcomes, index));
    const faults = await soundness.judge(answers, base, { signal });
    const byCase = new Map(judged.map((index, place) => [index, faults[place] ?? null]));
    return indices.map((index) => byCase.get(index) ?? null);
  };
  return { reference: soundness.reference, before: await judge(before), after: await judge(after) };
}
