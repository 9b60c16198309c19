// The report of an evaluation: everything that was measured of one edit, with intervals and sample sizes, and whether it stays
// within a budget. Plain JSON, versioned; the same model, edit, text, settings and seed give the same report. What the figures
// mean stands in main/core/evaluation.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';
import { actedEntries } from './acted.ts';
import { evaluationSettings } from './evaluationSettings.ts';
import { AIMS } from './behaviour.ts';
import { operationSchema } from './edit.ts';
import { estimateSchema } from './estimate.ts';
import { checkedForecastSchema } from './forecast.ts';
import { BASELINE_NAMES, type BaselineKind } from './rivals.ts';
import { ANSWER_FAULTS, type AnswerFault } from './soundness.ts';

export const REPORT_FORMAT = 'errata.evaluation.1';

const maybe = v.nullable(estimateSchema);

const beforeAfterSchema = v.object({ before: estimateSchema, after: estimateSchema, difference: estimateSchema });
/** A figure of the model without the edit and with it, with the paired difference. */
export type BeforeAfter = DataOf<typeof beforeAfterSchema>;

const actedSchema = v.object(actedEntries);

const klSchema = v.object({
  /** Mean over prompts of the mean over the tokens of the original's own continuation, in nats per token. */
  perToken: estimateSchema,
  /** At the first token after the prompt only: what is commonly published, and hides what comes later. */
  firstToken: estimateSchema,
  /** Left out in reports of older programs. */
  acted: v.exactOptional(actedSchema),
});
export type ContinuationKl = DataOf<typeof klSchema>;

const freeTextSchema = v.object({
  /** Share of the texts that run in circles; see `isLoop`. */
  loops: beforeAfterSchema,
  /** Distinct tokens, and distinct pairs of neighbours, as a share of all in a text; mean over texts. */
  distinct1: beforeAfterSchema,
  distinct2: beforeAfterSchema,
  /** Share of the texts that are the same, token by token. */
  same: estimateSchema,
  meanLength: v.object({ before: v.number(), after: v.number() }),
});
export type FreeText = DataOf<typeof freeTextSchema>;

/**
 * What a behaviour is to an evaluation: what the edit is for; what must stay as it is; or, for a behaviour that other edits are
 * for, only told.
 */
export const suiteRoleSchema = v.picklist(['target', 'keep', 'other']);
export type SuiteRole = DataOf<typeof suiteRoleSchema>;

const fault = v.picklist(Object.keys(ANSWER_FAULTS) as AnswerFault[]);

const soundAnswersSchema = v.object({
  /** Share of the generated answers that are sound. */
  share: beforeAfterSchema,
  /** Of the cases that passed without the edit and do not with it, those whose answer is sound; null where there are none. */
  replaced: maybe,
  /** What is wrong with the others of these: a case counts once, by the first fault. */
  faults: v.record(fault, v.exactOptional(v.number())),
  /** Of how many of the base model's own answers the range was made. */
  reference: v.number(),
});
/** What is said is a figure of its own: a behaviour may be gone and broken text in its place. */
export type SoundAnswers = DataOf<typeof soundAnswersSchema>;

const caseMarksSchema = v.object({
  /** A character for each case: 1 where it passes, else 0. */
  passed: v.string(),
  /** Null where not every case has a score. */
  scores: v.nullable(v.array(v.number())),
});
export type CaseMarks = DataOf<typeof caseMarksSchema>;

const changedCaseSchema = v.object({
  prompt: v.string(),
  before: v.string(),
  after: v.string(),
  passedBefore: v.boolean(),
  /** What is wrong with the answer with the edit; left out where nothing was judged. */
  faults: v.exactOptional(v.array(fault)),
});

const suiteSchema = v.object({
  name: v.string(),
  /** Content id. */
  behaviour: v.string(),
  aim: v.picklist(AIMS),
  role: suiteRoleSchema,
  /** Share of the cases that pass. */
  rate: beforeAfterSchema,
  isSignificant: v.boolean(),
  /** Of the cases whose wording the model was not trained on; null where there are none or all. */
  heldOut: v.nullable(beforeAfterSchema),
  /** Mean score of the cases that have one: probabilities, or differences in nats. */
  score: v.nullable(beforeAfterSchema),
  /** Share of the generated texts that refuse; null where no text is generated. What a jailbreak no longer gets may be garbage. */
  refuses: v.nullable(beforeAfterSchema),
  /** Share of the generated texts that run in circles. */
  loops: v.nullable(beforeAfterSchema),
  /**
   * Null where no text is generated, or too few prompts are there to say what the base model's own answers are like; left out
   * in reports of older programs.
   */
  sound: v.exactOptional(v.nullable(soundAnswersSchema)),
  /** On how many of the answers, or prompts, that were read the edit acted; left out in reports of older programs. */
  acted: v.exactOptional(v.object({ count: v.number(), of: v.number() })),
  /** Along the original model's own answers. */
  kl: v.nullable(klSchema),
  /** Some of the cases that changed sides. */
  changed: v.array(changedCaseSchema),
  brokenCases: v.number(),
  mendedCases: v.number(),
  /** Of every case, in the order of the behaviour's cases of the split; what two evaluations are compared by. */
  outcomes: v.exactOptional(v.object({ before: caseMarksSchema, after: caseMarksSchema })),
});
export type SuiteReport = DataOf<typeof suiteSchema>;

const textCollateralSchema = v.object({
  /** Nats per predicted token; `relative` is after / before − 1. */
  crossEntropy: v.object({ ...beforeAfterSchema.entries, relative: estimateSchema }),
  /** Mean KL(original ‖ patched) per predicted token, in nats. */
  kl: estimateSchema,
  /** Share of the positions where both find the same next token likeliest. */
  agreement: estimateSchema,
  tokens: v.number(),
  /** Left out in reports of older programs. */
  acted: v.exactOptional(actedSchema),
});
export type TextCollateral = DataOf<typeof textCollateralSchema>;

const contextLossesSchema = v.object({
  /** sha-256 of the text's tokens. */
  text: v.string(),
  before: v.array(v.number()),
  after: v.array(v.number()),
});
/** Of each context of held-out text, in nats: what two evaluations on the same text are compared by. */
export type ContextLosses = DataOf<typeof contextLossesSchema>;

const featureChangeSchema = v.object({
  feature: v.number(),
  /** Share of the tokens on which it fires. */
  rateBefore: v.number(),
  rateAfter: v.number(),
  /** Mean activation over all tokens, silent ones included. */
  meanBefore: v.number(),
  meanAfter: v.number(),
  /** The change of rate in standard errors; null where no context changed. */
  z: v.nullable(v.number()),
  hasMoved: v.boolean(),
  /** It is one of those that the edit changes. */
  isEdited: v.boolean(),
});
export type FeatureChange = DataOf<typeof featureChangeSchema>;

const blastRadiusSchema = v.object({
  site: v.string(),
  dictionary: v.string(),
  features: v.number(),
  /** How many have moved, the edited ones not counted. */
  moved: v.number(),
  /** Σ|rate after − rate before| / Σ rate before, the edited ones not counted. */
  shareOfFirings: v.number(),
  contexts: v.number(),
  tokens: v.number(),
  /** Those whose rates changed most, the largest change first. */
  strongest: v.array(featureChangeSchema),
});
export type SiteBlastRadius = DataOf<typeof blastRadiusSchema>;

const siteShiftSchema = v.object({
  site: v.string(),
  /** Mean of ‖x' − x‖; 0 when it never acts. */
  meanNorm: v.number(),
  /** Share of the positions where it acts. */
  share: v.number(),
});
export type SiteShift = DataOf<typeof siteShiftSchema>;

const smallSuiteSchema = v.object({
  name: v.string(),
  role: suiteRoleSchema,
  rate: estimateSchema,
  score: v.nullable(v.number()),
});
export type SmallSuite = DataOf<typeof smallSuiteSchema>;

const trialSchema = v.object({
  suites: v.array(smallSuiteSchema),
  /** All cases of the suites to be kept, pooled: the share of those that passed before that still pass. */
  kept: maybe,
  /** All cases of the targets, pooled: the share that passes. */
  target: maybe,
  /** Of the targets' generated texts, the share that refuses: what no longer passes may be garbage, or comply in other words. */
  targetRefuses: maybe,
  /** Of the targets' cases that passed without the edit and do not now, those whose answer is sound. */
  targetSound: v.exactOptional(maybe),
  /**
   * What is left of the targets, 1 without the edit: mean over the targets of the rate (of a behaviour that is to rise, of what
   * fails), or of the size of the mean score where the cases have scores, by what it was before.
   */
  remaining: v.nullable(v.number()),
  /** Cross-entropy after / before − 1. */
  crossEntropy: maybe,
  /** On held-out text, nats per token. */
  kl: maybe,
  /** Why there are no figures: the intervention could not be run. */
  failure: v.nullable(v.string()),
});
/** One intervention on fewer cases than the main figures. */
export type Trial = DataOf<typeof trialSchema>;

const baselineSchema = v.object({
  ...trialSchema.entries,
  kind: v.picklist(Object.keys(BASELINE_NAMES) as BaselineKind[]),
  description: v.string(),
  /** The features that took the edited ones' places; for random ones. */
  features: v.array(v.number()),
});
export type Baseline = DataOf<typeof baselineSchema>;

const doseSchema = v.object({
  ...trialSchema.entries,
  strength: v.number(),
  /** No other dose does better on target and collateral together. */
  isPareto: v.boolean(),
});
export type Dose = DataOf<typeof doseSchema>;

const target = v.object({
  maxRate: v.exactOptional(v.number()),
  minRate: v.exactOptional(v.number()),
  maxScoreShare: v.exactOptional(v.number()),
  minSound: v.exactOptional(v.nullable(v.number())),
});

/** A budget as a report has it: of an older program, without what came later. */
const reportedBudgetSchema = v.object({
  target,
  targets: v.record(v.string(), target),
  /** Left out in reports of older programs. */
  minSound: v.exactOptional(v.nullable(v.number())),
  minKept: v.number(),
  kept: v.record(v.string(), v.number()),
  maxCrossEntropyIncrease: v.number(),
  maxKl: v.nullable(v.number()),
});

const criterionSchema = v.object({
  name: v.string(),
  bound: v.picklist(['atMost', 'atLeast']),
  limit: v.number(),
  estimate: estimateSchema,
  isMet: v.boolean(),
  /** The whole interval is within the limit. */
  isCertain: v.boolean(),
});
export type Criterion = DataOf<typeof criterionSchema>;

const verdictSchema = v.object({
  passes: v.boolean(),
  isCertain: v.boolean(),
  budget: reportedBudgetSchema,
  criteria: v.array(criterionSchema),
});
export type Verdict = DataOf<typeof verdictSchema>;

export const reportSchema = v.object({
  format: v.literal(REPORT_FORMAT),
  /** Content hash. */
  model: v.string(),
  /** What was put before raw prompts and texts, as it is written; left out in reports of older programs. */
  opening: v.exactOptional(v.array(v.string())),
  edit: v.object({ id: v.string(), operations: v.array(operationSchema) }),
  /** A setting that the program of an older report did not have was at its default. */
  settings: v.object(evaluationSettings),
  suites: v.array(suiteSchema),
  text: v.nullable(
    v.object({
      ...textCollateralSchema.entries,
      contexts: v.number(),
      perContext: v.exactOptional(contextLossesSchema),
    }),
  ),
  continuations: v.nullable(v.object({ ...klSchema.entries, ...freeTextSchema.entries })),
  blastRadius: v.array(blastRadiusSchema),
  /** What was forecast before anything was run, and how good that was; left out in reports of older programs, and without statistics of the features. */
  forecasts: v.exactOptional(v.array(checkedForecastSchema)),
  shifts: v.array(siteShiftSchema),
  baselines: v.array(baselineSchema),
  doses: v.array(doseSchema),
  verdict: v.nullable(verdictSchema),
  /** What a reader must know: a sample too small, a part left out, an edit that never acts. */
  warnings: v.array(v.string()),
});
export type EvaluationReport = DataOf<typeof reportSchema>;
