// What can be asked of the blind tests of labels.
import { rateEstimate } from '../core/evaluation/intervals.ts';
import type { Procedures } from './call.ts';
import { answerIntruderTest, INTRUDER_TEXTS, intruderTest } from './intruderTest.ts';
import type { Workbench } from './workbench.ts';

/** How often a person has found the intruder, with the 95% interval: 0 to 1 before the first answer. */
export function intruderFigures(
  { project }: Pick<Workbench, 'project'>,
  { dictionary }: { readonly dictionary: string },
  author: string,
) {
  const { right, answered } = project.intruders.counts(dictionary, author);
  const { low, high } = answered === 0 ? { low: 0, high: 1 } : rateEstimate(right, answered);
  return { answered, right, interval: [low, high] as const, chance: 1 / INTRUDER_TEXTS };
}

export const intruder: Procedures<'intruder'> = {
  begin: async (workbench, input, { author, signal }) => {
    const { feature, seed, label, texts } = await intruderTest(workbench, input, author().author, signal);
    return { feature, seed, label, texts: texts.map(({ tokens, special }) => ({ tokens, special })) };
  },
  answer: (workbench, input, { author, signal }) => answerIntruderTest(workbench, input, author().author, signal),
  figures: (workbench, input, { author }) => intruderFigures(workbench, input, author().author),
};
