// The blind test of labels: a few texts, of which one does not make the feature fire; whoever labelled it finds that one by the
// label. Which texts a test has follows from its seed; nothing is kept but answers.
import * as v from 'valibot';
import { featureSchema, hashSchema, nameSchema } from '../base/fields.ts';
import { command, query } from '../rpc/procedure.ts';

const seed = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31 - 1));

export const intruder = {
  begin: query({
    summary: 'A blind test of a label: texts in which its feature fires, and one in which it does not',
    shows: ['features', 'labels'],
    input: v.strictObject({
      dictionary: nameSchema,
      /** When left out: one of those with a label, those tested least first. */
      feature: v.exactOptional(featureSchema),
      seed: v.exactOptional(seed),
    }),
    output: v.object({
      feature: v.number(),
      seed: v.number(),
      label: v.string(),
      texts: v.array(v.object({ tokens: v.array(v.string()), special: v.array(v.number()) })),
    }),
  }),
  answer: command({
    summary: 'Say which text does not belong; the answer is counted',
    changes: ['labels'],
    input: v.strictObject({
      dictionary: nameSchema,
      feature: featureSchema,
      seed,
      /** Index of the text. */
      chosen: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(99)),
    }),
    output: v.object({
      isRight: v.boolean(),
      intruder: v.number(),
      /** Of each text, the feature's activation on every token. */
      activations: v.array(v.array(v.number())),
    }),
  }),
  figures: query({
    summary: 'How your labels stood the blind test',
    shows: ['labels'],
    input: v.strictObject({ dictionary: hashSchema }),
    output: v.object({
      answered: v.number(),
      right: v.number(),
      /** Wilson's 95% interval of right / answered; [0, 1] without answers. */
      interval: v.tuple([v.number(), v.number()]),
      /** What guessing gives. */
      chance: v.number(),
    }),
  }),
};
