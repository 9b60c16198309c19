// Where a dictionary that was made elsewhere came from: what its record keeps and its page shows.
import * as v from 'valibot';

/** What the file or its folder says, as it says it; null: nothing. */
export const claimsSchema = v.object({
  site: v.nullable(v.string()),
  model: v.nullable(v.string()),
  /** Features that fire on a token, from … to. */
  l0: v.nullable(v.tuple([v.number(), v.number()])),
});
export type Claims = v.InferOutput<typeof claimsSchema>;

export const importFactsEntries = {
  imported: v.string(),
  /** The file with its tensors. */
  source: v.object({ path: v.string(), bytes: v.number() }),
  /** `dictionary_learning` */
  layout: v.string(),
  layoutTitle: v.string(),
  /** What was concluded from the file and from what, a sentence each. */
  conclusions: v.array(v.string()),
  claims: claimsSchema,
};
