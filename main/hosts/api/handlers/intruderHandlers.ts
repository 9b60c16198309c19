import type { ApiHandlers } from '../../../contract/api/contract.ts';
import { rateEstimate } from '../../../core/evaluation/intervals.ts';
import { answerIntruderTest, INTRUDER_TEXTS, intruderTest } from '../../../workbench/intruderTest.ts';
import type { HostContext } from '../hostContext.ts';

export function intruderHandlers(host: HostContext): ApiHandlers['intruder'] {
  const workbench = () => host.session().workbench;
  return {
    begin: async (input, { signal }) => {
      const { feature, seed, label, texts } = await intruderTest(workbench(), input, host.author().author, signal);
      return { feature, seed, label, texts: texts.map(({ tokens, special }) => ({ tokens, special })) };
    },
    answer: (input, { signal }) => answerIntruderTest(workbench(), input, host.author().author, signal),
    figures: ({ dictionary }) => {
      const { right, answered } = workbench().project.intruders.counts(dictionary, host.author().author);
      const { low, high } = answered === 0 ? { low: 0, high: 1 } : rateEstimate(right, answered);
      return { answered, right, interval: [low, high] as const, chance: 1 / INTRUDER_TEXTS };
    },
  };
}
