// The report of an evaluation as a page gets it. What the figures mean stands in main/core/evaluation; every estimate has its 95%
// interval and the size of its sample.
import * as v from 'valibot';
import { evaluationSettings } from './evaluationSettings.ts';
import { AIMS } from './behaviour.ts';
import { operationSchema } from './edit.ts';
import { estimateSchema } from './estimate.ts';
import { ANSWER_FAULTS, type AnswerFault } from './soundness.ts';

const maybe = v.nullable(estimateSchema);
const pair = { before: estimateSchema, after: estimateSchema, difference: estimateSchema };
const pairSchema = v.object(pair);
const acted = v.object({ count: v.number(), of: v.number(), units: v.number(), ofUnits: v.number() });
const kl = { perToken: estimateSchema, firstToken: estimateSchema, acted: v.exactOptional(acted) };
const aim = v.picklist(AIMS);
export const suiteRoleSchema = v.picklist(['target', 'keep', 'other']);
const fault = v.picklist(Object.keys(ANSWER_FAULTS) as AnswerFault[]);
const marks = v.object({ passed: v.string(), scores: v.nullable(v.array(v.number())) });

const suite = v.object({
  name: v.string(),
  behaviour: v.string(),
  aim,
  role: suiteRoleSchema,
  rate: pairSchema,
  isSignificant: v.boolean(),
  heldOut: v.nullable(pairSchema),
  score: v.nullable(pairSchema),
  refuses: v.nullable(pairSchema),
  loops: v.nullable(pairSchema),
  sound: v.exactOptional(
    v.nullable(
      v.object({
        share: pairSchema,
        replaced: maybe,
        faults: v.record(fault, v.exactOptional(v.number())),
        reference: v.number(),
      }),
    ),
  ),
  acted: v.exactOptional(v.object({ count: v.number(), of: v.number() })),
  kl: v.nullable(v.object(kl)),
  changed: v.array(
    v.object({
      prompt: v.string(),
      before: v.string(),
      after: v.string(),
      passedBefore: v.boolean(),
      faults: v.exactOptional(v.array(fault)),
    }),
  ),
  brokenCases: v.number(),
  mendedCases: v.number(),
  outcomes: v.exactOptional(v.object({ before: marks, after: marks })),
});

const trial = {
  suites: v.array(
    v.object({ name: v.string(), role: suiteRoleSchema, rate: estimateSchema, score: v.nullable(v.number()) }),
  ),
  kept: maybe,
  target: maybe,
  targetRefuses: maybe,
  targetSound: v.exactOptional(maybe),
  remaining: v.nullable(v.number()),
  crossEntropy: maybe,
  kl: maybe,
  failure: v.nullable(v.string()),
};

const logitFootprint = v.object({ token: v.string(), effect: v.number() });

const forecastEntries = {
  site: v.string(),
  dictionary: v.string(),
  features: v.number(),
  tokens: v.number(),
  operations: v.array(v.object({ feature: v.number(), kind: v.string(), share: v.number(), delta: v.number() })),
  unforecast: v.array(v.number()),
  strongest: v.array(
    v.object({
      feature: v.number(),
      rate: v.number(),
      change: v.number(),
      cosine: v.number(),
      nearest: v.number(),
      cofiring: v.nullable(v.number()),
      isEdited: v.boolean(),
    }),
  ),
  shareOfFirings: v.number(),
  raised: v.array(logitFootprint),
  lowered: v.array(logitFootprint),
};
/** What an edit will probably move at one place; see main/core/evaluation/forecast.ts. */
export const forecastSchema = v.object(forecastEntries);

export const forecastCheckEntries = {
  /** Spearman's, with the size of the measured change of rate, over all features but the edited ones. */
  correlations: v.object({ forecast: maybe, decoderCosine: maybe, cofiring: maybe, firingRate: maybe }),
  found: v.object({ hits: v.number(), of: v.number(), byChance: v.number() }),
};

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

export const reportSchema = v.object({
  /** What was put before raw prompts and texts; left out by older programs. */
  opening: v.exactOptional(v.pipe(v.array(v.string()), v.readonly())),
  format: v.literal('errata.evaluation.1'),
  model: v.string(),
  edit: v.object({ id: v.string(), operations: v.array(operationSchema) }),
  /** A setting that the program of an older report did not have was at its default. */
  settings: v.object(evaluationSettings),
  suites: v.array(suite),
  text: v.nullable(
    v.object({
      crossEntropy: v.object({ ...pair, relative: estimateSchema }),
      kl: estimateSchema,
      agreement: estimateSchema,
      tokens: v.number(),
      acted: v.exactOptional(acted),
      contexts: v.number(),
    }),
  ),
  continuations: v.nullable(
    v.object({
      ...kl,
      loops: pairSchema,
      distinct1: pairSchema,
      distinct2: pairSchema,
      same: estimateSchema,
      meanLength: v.object({ before: v.number(), after: v.number() }),
    }),
  ),
  blastRadius: v.array(
    v.object({
      site: v.string(),
      dictionary: v.string(),
      features: v.number(),
      moved: v.number(),
      shareOfFirings: v.number(),
      contexts: v.number(),
      tokens: v.number(),
      strongest: v.array(
        v.object({
          feature: v.number(),
          rateBefore: v.number(),
          rateAfter: v.number(),
          meanBefore: v.number(),
          meanAfter: v.number(),
          z: v.nullable(v.number()),
          hasMoved: v.boolean(),
          isEdited: v.boolean(),
        }),
      ),
    }),
  ),
  /** Left out in reports of older programs, and where the features have no statistics. */
  forecasts: v.exactOptional(v.array(v.object({ ...forecastEntries, ...forecastCheckEntries }))),
  shifts: v.array(v.object({ site: v.string(), meanNorm: v.number(), share: v.number() })),
  baselines: v.array(v.object({ ...trial, kind: v.string(), description: v.string(), features: v.array(v.number()) })),
  doses: v.array(v.object({ ...trial, strength: v.number(), isPareto: v.boolean() })),
  verdict: v.nullable(
    v.object({
      passes: v.boolean(),
      isCertain: v.boolean(),
      budget: reportedBudgetSchema,
      criteria: v.array(
        v.object({
          name: v.string(),
          bound: v.picklist(['atMost', 'atLeast']),
          limit: v.number(),
          estimate: estimateSchema,
          isMet: v.boolean(),
          isCertain: v.boolean(),
        }),
      ),
    }),
  ),
  warnings: v.array(v.string()),
});
