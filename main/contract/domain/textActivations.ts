// Which features fire where in a text. How it is read stands in main/core/features/textReader.ts.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';

const tokenFiringSchema = v.object({ feature: v.number(), activation: v.number() });
export type TokenFiring = DataOf<typeof tokenFiringSchema>;

export const textFeatureSchema = v.object({
  feature: v.number(),
  /** The largest activation, and the index of the token where it is. */
  max: v.number(),
  position: v.number(),
  /** On how many tokens it fires, and its mean activation there. */
  firings: v.number(),
  mean: v.number(),
});
export type TextFeature = DataOf<typeof textFeatureSchema>;

export const textActivationsSchema = v.object({
  /** As they read, BOS left out. */
  tokens: v.array(v.string()),
  /** Indices of the tokens before which the model was begun again: 0, and more where the text is longer than it can read. */
  pieces: v.array(v.number()),
  /** Of each token the features that fire most strongly on it. */
  firing: v.array(v.array(tokenFiringSchema)),
  /** How many fire on each token in all. */
  firingCounts: v.array(v.number()),
  /** The features with the largest activations anywhere in the text, the strongest first; and how many fire at all. */
  features: v.array(textFeatureSchema),
  featureCount: v.number(),
  /** Of the features asked for: the activation on every token. */
  activations: v.array(v.object({ feature: v.number(), values: v.array(v.number()) })),
});
export type TextActivations = DataOf<typeof textActivationsSchema>;
