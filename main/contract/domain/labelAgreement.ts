// How two people's labels agree. How it is measured stands in main/core/labels/labelsMerge.ts.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';

export const agreementSchema = v.object({
  /** Features compared: those that at least one of the two has a label for; the other's is then `unlabelled`. */
  features: v.number(),
  /** Share of features in the same state, p_o. Null without features. */
  observed: v.nullable(v.number()),
  /** Share expected if both chose states at random at their own rates, p_e. */
  expected: v.nullable(v.number()),
  /** Cohen's κ = (p_o − p_e)/(1 − p_e); null where p_e is 1 (both used one and the same state only) or nothing was compared. */
  kappa: v.nullable(v.number()),
  /** Features that both gave a text, and how many of those texts are the same but for case, spacing and punctuation. */
  textsCompared: v.number(),
  textsSame: v.number(),
  /** Mean over `textsCompared` of |words in both| / |words in either| (Jaccard); null without any. */
  meanWordOverlap: v.nullable(v.number()),
});
export type Agreement = DataOf<typeof agreementSchema>;
