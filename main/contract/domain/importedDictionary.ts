// Where a dictionary that was made elsewhere came from: what its record keeps and its page shows.
import * as v from 'valibot';
import type { Immutable } from '../base/data.ts';

/** What the file or its folder says, as it says it; null: nothing. */
export const claimsSchema = v.object({
  site: v.nullable(v.string()),
  model: v.nullable(v.string()),
  /** Features that fire on a token, from … to. */
  l0: v.nullable(v.tuple([v.number(), v.number()])),
});
export type Claims = v.InferOutput<typeof claimsSchema>;

/** What is done differently from what the layout says. */
export const readingChangesEntries = {
  subtractsDecoderBias: v.exactOptional(v.boolean()),
  /** Of a square dictionary: rows and columns of both matrices exchanged. */
  isTransposed: v.exactOptional(v.boolean()),
  /** It was trained on activations times this. */
  scale: v.exactOptional(v.pipe(v.number(), v.finite(), v.gtValue(0))),
};
export type ReadingChanges = Immutable<v.InferOutput<v.ObjectSchema<typeof readingChangesEntries, undefined>>>;

const checkRowSchema = v.object({
  /** What was assumed, in words: `as read`, `at blocks.3.hook_resid_pre`. */
  words: v.string(),
  /** How to import it so; empty: as read. */
  changes: v.object({ site: v.exactOptional(v.string()), ...readingChangesEntries }),
  fvu: v.number(),
  l0: v.number(),
  deadFraction: v.number(),
});

/** The check of a dictionary against its model, on text; definitions are in core/dictionaries/selfCheck.ts. */
export const selfCheckSchema = v.object({
  verdict: v.picklist(['right', 'doubtful', 'refused']),
  /** Why, a sentence each; the first says the most. */
  reasons: v.array(v.string()),
  /** As read first, then what was tried. */
  rows: v.array(checkRowSchema),
  /** Index in `rows` of what explains the activations clearly better; null: nothing does. */
  better: v.nullable(v.number()),
  tokens: v.number(),
  /** FVU as read with the first token of every text counted. */
  fvuWithFirst: v.number(),
  ceOriginal: v.number(),
  ceReconstructed: v.number(),
  ceZero: v.number(),
  lossRecovered: v.nullable(v.number()),
  /** Of what text. */
  text: v.string(),
});
export type SelfCheck = v.InferOutput<typeof selfCheckSchema>;

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
  /** Null: it was not checked, for want of the model or of text, or because a person said so. */
  check: v.nullable(selfCheckSchema),
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
