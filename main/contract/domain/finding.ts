// What a search for an edit finds out: candidates, steps and figures, as they are kept with the project and shown. How they are
// measured stands in main/core/finder.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';
import { featureSchema, hashSchema } from '../base/fields.ts';
import { operationSchema } from './edit.ts';
import { estimateSchema } from './estimate.ts';

const contrastSchema = v.object({
  feature: featureSchema,
  /** A prompt counts with the feature's largest activation anywhere in it, or with the activation on its last token. */
  position: v.picklist(['anywhere', 'last']),
  /** Mean activation over all prompts, those where it is silent included. */
  meanTarget: v.number(),
  meanOther: v.number(),
  /** Share of the prompts where it is above 0. */
  firesTarget: v.number(),
  firesOther: v.number(),
  /** Difference of the means over the sum of the standard deviations (plus a hundredth of the largest value). */
  separation: v.number(),
  /** Probability that a prompt with the behaviour has the larger activation, ties counted half. 0.5: tells nothing. */
  auroc: v.number(),
});
export type Contrast = DataOf<typeof contrastSchema>;
export type ContrastPosition = Contrast['position'];

/** A feature that contrast proposed, and what switching it off was measured to do. */
export const candidateSchema = v.object({
  feature: featureSchema,
  dictionary: hashSchema,
  site: v.string(),
  contrast: contrastSchema,
  /** 1 − what is left of the behaviour: when the feature is ablated, and when it is turned to minus twice its mean. */
  ablationEffect: v.number(),
  clampEffect: v.number(),
  /**
   * Of the best of them: share of the answers that are sound with the stronger of the two; null where it was not measured. Left
   * out in findings of older programs.
   */
  sound: v.exactOptional(v.nullable(v.number())),
});
export type Candidate = DataOf<typeof candidateSchema>;

const effectSchema = v.object({ remaining: v.number(), harm: v.number() });
/** What an edit leaves of the behaviour (1: all of it, 0: nothing), and nats lost on the worst of what must stay. */
export type Effect = DataOf<typeof effectSchema>;

/** A step of a search with what it was weighed against, so that a person can follow why an edit is what it is. */
export const stepSchema = v.object({
  ...effectSchema.entries,
  /**
   * Operations were added, taken out, replaced by weaker ones, or given other numbers with which the answers are sounder; or all
   * were taken out, since the model says in other words what it should not, and the search begins again.
   */
  action: v.picklist(['add', 'remove', 'weaken', 'alter', 'beginAnew']),
  operations: v.array(operationSchema),
  /** Over the same cases, without the step. */
  before: effectSchema,
  /** Edits tried to find it. */
  tried: v.number(),
  /**
   * Share of the answers that are sound with the step; and of the one that would have cost less and was passed over for it. Left
   * out where it was not measured.
   */
  sound: v.exactOptional(v.object({ share: v.number(), passedOver: v.nullable(v.number()) })),
  /** What came next. Where `isLeast`, the harm is at least so much: it was clear that it is not the best. */
  runnersUp: v.array(v.object({ ...effectSchema.entries, operations: v.array(operationSchema), isLeast: v.boolean() })),
});
export type FindStep = DataOf<typeof stepSchema>;

const keptFiguresSchema = v.object({
  behaviour: v.string(),
  /** Share of the cases that greedy decoding, or the comparison, still decides the same way; null for plain text. */
  rate: v.nullable(estimateSchema),
  /** Mean of the nats lost on a case. */
  harm: v.number(),
  cases: v.number(),
});
export type KeptFigures = DataOf<typeof keptFiguresSchema>;

export const figuresSchema = v.object({
  target: v.object({
    cases: v.number(),
    /** Share of the cases in which the model, with the edit on, still says it; or in which the comparison is still decided so. */
    shown: v.number(),
    /** Of its probability: 1 as before, 0 gone. */
    remaining: v.number(),
    /** The same with their 95% intervals: Wilson's, and the bootstrap's over cases. */
    estimates: v.object({ shown: estimateSchema, remaining: estimateSchema }),
    /**
     * Where it is gone, share of the answers that are sound; null where no text is generated, or it is gone nowhere. Left out in
     * findings of older programs.
     */
    sound: v.exactOptional(v.nullable(estimateSchema)),
  }),
  /** Mean over the behaviours to be kept, of the share of cases; the nats lost on the worst of them; and each by itself. */
  kept: v.object({
    cases: v.number(),
    share: v.number(),
    harm: v.number(),
    behaviours: v.array(keptFiguresSchema),
  }),
});
export type FoundFigures = DataOf<typeof figuresSchema>;

/** What an edit of some strength does: x' = x + strength · Σ (f' − f)·d. */
export const foundDoseSchema = v.object({
  strength: v.number(),
  /** 1: as before, 0: gone. */
  remaining: estimateSchema,
  /** Nats lost on the worst of what must stay. */
  harm: v.number(),
});
export type FoundDose = DataOf<typeof foundDoseSchema>;
