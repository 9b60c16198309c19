// All there is to show of one feature: what its statistics over a text say. How they are made stands in main/core/features.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';

/** Null: undefined, as the mean of a feature that never fires. */
const statistic = v.nullable(v.number());

/** A context near the place where a feature is strongest in it. */
const exampleSchema = v.object({
  /** Its number in the text, the position of the first token shown, and how many tokens the context has. */
  context: v.number(),
  firstPosition: v.number(),
  contextLength: v.number(),
  tokens: v.array(v.string()),
  /** Indices into tokens of those that no text spells: BOS, ends of turns. */
  special: v.array(v.number()),
  /** On each token; 0 where it does not fire, and on BOS. */
  activations: v.array(v.number()),
  /** Index into tokens of the largest activation in the context, and that activation. */
  peak: v.number(),
  value: v.number(),
});
export type FeatureExample = DataOf<typeof exampleSchema>;

const tokenEffectSchema = v.object({
  id: v.number(),
  token: v.string(),
  /** Logits per unit of activation, the mean over the vocabulary taken off. */
  effect: v.number(),
});
export type TokenEffect = DataOf<typeof tokenEffectSchema>;

export const neighbourSchema = v.object({ feature: v.number(), cosine: v.number() });
export type NeighbourFeature = DataOf<typeof neighbourSchema>;

export const featurePageSchema = v.object({
  feature: v.number(),
  /** Tokens counted: all of the text but BOS. On `firings` of them it fires, a share of `rate`. */
  tokens: v.number(),
  firings: v.number(),
  rate: v.number(),
  /** Of its activation where it fires. */
  mean: statistic,
  deviation: statistic,
  max: v.number(),
  /** On the last tokens of the documents that end within a context. */
  documentEnds: v.number(),
  lastFirings: v.number(),
  lastRate: statistic,
  lastMean: statistic,
  /** How many firings lie in [i, i + 1) · binWidth. */
  histogram: v.object({ binWidth: v.number(), counts: v.array(v.number()) }),
  /** The strongest; no two with the same 16 tokens up to the peak. */
  top: v.array(exampleSchema),
  /** Examples drawn at random, by their peaks: shares of them from 0 (weakest) to 1; the strongest group first. */
  groups: v.array(v.object({ from: v.number(), to: v.number(), examples: v.array(exampleSchema) })),
  /** Logits per unit of activation, the mean over the vocabulary taken off. Null where the site has no direct effect. */
  logits: v.nullable(
    v.object({
      top: v.array(tokenEffectSchema),
      bottom: v.array(tokenEffectSchema),
      entropy: v.number(),
      vocabularySize: v.number(),
    }),
  ),
  /** By cosine of decoder rows; by cosine of firing patterns (an estimate, exact for up to 128 firings). */
  decoderNeighbours: v.array(neighbourSchema),
  cofiring: v.array(neighbourSchema),
  map: v.tuple([v.number(), v.number()]),
});
export type FeaturePage = DataOf<typeof featurePageSchema>;
export type QuantileGroup = FeaturePage['groups'][number];
