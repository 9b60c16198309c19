// Where a dictionary that was made elsewhere came from: what its record keeps and its page shows.
import * as v from 'valibot';
import type { Immutable } from '../rpc/procedure.ts';

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

/** What will become of a file, before anything is copied. */
export const importPlanSchema = v.object({
  path: v.string(),
  bytes: v.number(),
  layout: v.string(),
  layoutTitle: v.string(),
  architecture: v.string(),
  d: v.number(),
  size: v.number(),
  k: v.nullable(v.number()),
  claims: claimsSchema,
  conclusions: v.array(v.string()),
  /** What it will be called. */
  name: v.string(),
  /** Null: it is to be named. */
  site: v.nullable(v.string()),
  /** Null: the project has none that it fits; it can be opened, and not checked. */
  model: v.nullable(v.object({ name: v.string(), hash: v.string() })),
  /** Those of the model that are as wide as the dictionary. */
  sites: v.array(v.string()),
  /** Why it cannot be imported as asked; null: it can. */
  problem: v.nullable(v.string()),
});
export type ImportPlan = Immutable<v.InferOutput<typeof importPlanSchema>>;
