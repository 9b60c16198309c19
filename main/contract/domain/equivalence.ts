// The equivalence report of an export, as its folder keeps it and the window shows it: the artifact against the workbench, and
// what the edit changes at all. How it is measured stands in main/core/export.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';

export const EQUIVALENCE_FORMAT = 'errata.equivalence.1';

const text = v.pipe(v.string(), v.maxLength(10_000));
const texts = v.pipe(v.array(text), v.maxLength(100));

const logitDifferenceSchema = v.object({
  positions: v.number(),
  maxAbsLogitDiff: v.number(),
  /** Nats per position. */
  meanKl: v.number(),
  maxKl: v.number(),
  /** Share of positions at which the likeliest token is the same. */
  top1Agreement: v.number(),
  /** Of the first set, over all positions and tokens: what a difference is measured by. */
  logitStd: v.number(),
});
/** Of two sets of logits on the same text. */
export type LogitDifference = DataOf<typeof logitDifferenceSchema>;

const toleranceSchema = v.object({ maxAbsLogitDiff: v.number(), meanKl: v.number() });
export type Tolerance = DataOf<typeof toleranceSchema>;

const continuationAgreementSchema = v.object({
  prompts: v.number(),
  /** Of each prompt. */
  newTokens: v.number(),
  /** Share of the tokens that are the same. */
  agreement: v.number(),
  /** Prompts whose texts part where the two likeliest tokens are within the tolerance of each other: rounding decides. */
  ties: v.number(),
  /** Prompts whose texts part elsewhere. */
  divergences: v.number(),
});
export type ContinuationAgreement = DataOf<typeof continuationAgreementSchema>;

const equivalenceSchema = v.object({
  /** `exported`: with the workbench, at the time of the export; `recorded`: with what the workbench gave then. */
  comparedWith: v.picklist(['exported', 'recorded']),
  device: v.picklist(['cpu', 'webgpu', 'cuda', 'dml', 'coreml']),
  logits: logitDifferenceSchema,
  greedy: continuationAgreementSchema,
  tolerance: toleranceSchema,
});
export type Equivalence = DataOf<typeof equivalenceSchema>;

const effectSchema = v.object({
  logits: logitDifferenceSchema,
  /** Share of the tokens of the continuations that are the same with and without the edit. */
  greedyAgreement: v.number(),
});
/** What the edit does, on the same text: the original model against the patched one. */
export type EditEffect = DataOf<typeof effectSchema>;

const formulaSchema = v.object({
  positions: v.number(),
  /** Of them, where a feature is so close to a threshold that rounding decides: not compared. */
  undecided: v.number(),
  maxAbsDiff: v.number(),
  tolerance: v.number(),
});
/** The Python file's formula in double precision against the workbench. */
export type FormulaCheck = DataOf<typeof formulaSchema>;

const pythonSchema = v.variant('state', [
  v.object({ state: v.literal('notChecked'), reason: text }),
  v.object({
    state: v.literal('checked'),
    positions: v.number(),
    maxAbsLogitDiff: v.number(),
    meanKl: v.number(),
    greedyTexts: v.number(),
    /** Texts that are the same to the last token. Where two tokens are as likely, rounding may choose. */
    greedyTextsEqual: v.number(),
    /** Of the packages that loaded the artifact. */
    versions: v.record(text, text),
  }),
]);
export type PythonCheck = DataOf<typeof pythonSchema>;

export const equivalenceReportSchema = v.object({
  equivalence: equivalenceSchema,
  effect: effectSchema,
  // Missing in reports of the first exports.
  /** What was asked for against what the artifact does; null where they are the same. */
  deviation: v.optional(v.nullable(effectSchema), null),
  /** Of a folder with a hook. */
  formula: v.optional(v.nullable(formulaSchema), null),
  python: v.optional(v.nullable(pythonSchema), null),
  warnings: texts,
  notes: v.optional(texts, []),
});
export type EquivalenceReport = DataOf<typeof equivalenceReportSchema>;
