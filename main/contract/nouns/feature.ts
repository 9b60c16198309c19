// Features of a dictionary.
import * as v from 'valibot';
import { nameSchema } from '../fields.ts';
import { query } from '../procedure.ts';

export const feature = {
  onText: query({
    summary: 'The features that fire on a text, the strongest first',
    input: v.strictObject({
      dictionary: nameSchema,
      text: v.pipe(v.string(), v.minLength(1), v.maxLength(200_000)),
      count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)),
    }),
    output: v.object({
      tokens: v.array(v.string()),
      features: v.array(
        v.object({
          feature: v.number(),
          max: v.number(),
          /** Of the token where it is strongest. */
          position: v.number(),
          mean: v.number(),
          firings: v.number(),
        }),
      ),
      /** How many features fire at all. */
      firing: v.number(),
    }),
  }),
};
