// What makes an answer sound, in one sentence for people, and the names of what can be wrong with it. How each is measured
// stands in main/core/evaluation/soundAnswers.ts.

/** In the order in which they are named: the first that holds is what an answer is said to suffer from. */
export const ANSWER_FAULTS = {
  empty: { word: 'empty', hint: 'Nothing is said.' },
  repeats: { word: 'repeats itself', hint: 'Some run of tokens stands three times or more in a row.' },
  brokenWord: {
    word: 'broken word',
    hint: 'A word goes on in a way that the base model finds less likely than any of its own.',
  },
  unlikely: {
    word: 'unlikely',
    hint: 'With the least likely token set aside, the loss under the base model is above that of its own answers.',
  },
  outOfRank: {
    word: 'out of rank',
    hint: 'A token after the first, or a second one, is further from the base model’s choice than in its own answers.',
  },
  unfinished: { word: 'unfinished', hint: 'It is cut by the length limit where the base model’s answer ends.' },
  irrelevant: {
    word: 'not about the prompt',
    hint: 'It is no refusal, and its own prompt makes it no likelier than another prompt does.',
  },
} as const;

export type AnswerFault = keyof typeof ANSWER_FAULTS;

/** Share of the base model's own answers that are within the range, fixed before anything is measured. */
export const OWN_ANSWERS_IN_RANGE = 0.99;

export const SOUND_DEFINITION =
  'Sound: not empty, no repetition, no broken word, ends where the base model’s answer ends, relevant to the prompt, and with loss and rank of its tokens under the base model within the range of 99% of the base model’s own answers (sampled) to prompts to preserve. One unlikely token is set aside: saying something else begins with one.';

/** '12 broken word, 3 repeats itself'; empty where nothing is wrong. */
export function faultsText(faults: Readonly<Partial<Record<AnswerFault, number>>>): string {
  return Object.entries(ANSWER_FAULTS)
    .flatMap(([fault, { word }]) => {
      const count = faults[fault as AnswerFault] ?? 0;
      return count === 0 ? [] : [`${count} ${word}`];
    })
    .join(', ');
}
