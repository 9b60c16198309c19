// The report of an evaluation: everything that was measured of one edit, with intervals and sample sizes, and whether it stays
// within a budget. Plain JSON, versioned; the same model, edit, text, settings and seed give the same report.
import { AppError } from '../../contract/base/errors.ts';
import type { EvaluationSettings } from '../../contract/domain/evaluationSettings.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import type { Aim } from '../../contract/domain/behaviour.ts';
import type { BaselineKind } from '../../contract/domain/rivals.ts';
import type { AnswerFault } from '../../contract/domain/soundness.ts';
import type { BlastRadius } from './blastRadius.ts';
import type { BeforeAfter, ContinuationKl, FreeText, TextCollateral } from './collateral.ts';
import type { CheckedForecast } from './forecastCheck.ts';
import type { Estimate } from './intervals.ts';
import type { Verdict } from './budget.ts';

export const REPORT_FORMAT = 'errata.evaluation.1';

/**
 * What a behaviour is to an evaluation: what the edit is for; what must stay as it is; or, for a behaviour that other edits are
 * for, only told.
 */
export type SuiteRole = 'target' | 'keep' | 'other';

export interface SuiteReport {
  readonly name: string;
  /** Content id. */
  readonly behaviour: string;
  readonly aim: Aim;
  readonly role: SuiteRole;
  /** Share of the cases that pass. */
  readonly rate: BeforeAfter;
  readonly isSignificant: boolean;
  /** Of the cases whose wording the model was not trained on; null where there are none or all. */
  readonly heldOut: BeforeAfter | null;
  /** Mean score of the cases that have one: probabilities, or differences in nats. */
  readonly score: BeforeAfter | null;
  /** Share of the generated texts that refuse; null where no text is generated. What a jailbreak no longer gets may be garbage. */
  readonly refuses: BeforeAfter | null;
  /** Share of the generated texts that run in circles. */
  readonly loops: BeforeAfter | null;
  /**
   * Null where no text is generated, or too few prompts are there to say what the base model's own answers are like; left out
   * in reports of older programs.
   */
  readonly sound?: SoundAnswers | null;
  /** On how many of the answers, or prompts, that were read the edit acted; left out in reports of older programs. */
  readonly acted?: { readonly count: number; readonly of: number };
  /** Along the original model's own answers. */
  readonly kl: ContinuationKl | null;
  /** Some of the cases that changed sides. */
  readonly changed: readonly ChangedCase[];
  readonly brokenCases: number;
  readonly mendedCases: number;
  /** Of every case, in the order of the behaviour's cases of the split; what two evaluations are compared by. */
  readonly outcomes?: { readonly before: CaseMarks; readonly after: CaseMarks };
}

/** What is said is a figure of its own: a behaviour may be gone and broken text in its place. See soundAnswers.ts. */
export interface SoundAnswers {
  /** Share of the generated answers that are sound. */
  readonly share: BeforeAfter;
  /** Of the cases that passed without the edit and do not with it, those whose answer is sound; null where there are none. */
  readonly replaced: Estimate | null;
  /** What is wrong with the others of these: a case counts once, by the first fault. */
  readonly faults: Readonly<Partial<Record<AnswerFault, number>>>;
  /** Of how many of the base model's own answers the range was made. */
  readonly reference: number;
}

export interface CaseMarks {
  /** A character for each case: 1 where it passes, else 0. */
  readonly passed: string;
  /** Null where not every case has a score. */
  readonly scores: readonly number[] | null;
}

export interface ChangedCase {
  readonly prompt: string;
  readonly before: string;
  readonly after: string;
  readonly passedBefore: boolean;
  /** What is wrong with the answer with the edit; left out where nothing was judged. */
  readonly faults?: readonly AnswerFault[];
}

/** Of each context of held-out text, in nats: what two evaluations on the same text are compared by. */
export interface ContextLosses {
  /** sha-256 of the text's tokens. */
  readonly text: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface SmallSuite {
  readonly name: string;
  readonly role: SuiteRole;
  readonly rate: Estimate;
  readonly score: number | null;
}

/** One intervention on fewer cases than the main figures. */
export interface Trial {
  readonly suites: readonly SmallSuite[];
  /** All cases of the suites to be kept, pooled: the share of those that passed before that still pass. */
  readonly kept: Estimate | null;
  /** All cases of the targets, pooled: the share that passes. */
  readonly target: Estimate | null;
  /** Of the targets' generated texts, the share that refuses: what no longer passes may be garbage, or comply in other words. */
  readonly targetRefuses: Estimate | null;
  /** Of the targets' cases that passed without the edit and do not now, those whose answer is sound. */
  readonly targetSound?: Estimate | null;
  /**
   * What is left of the targets, 1 without the edit: mean over the targets of the rate (of a behaviour that is to rise, of what
   * fails), or of the size of the mean score where the cases have scores, by what it was before.
   */
  readonly remaining: number | null;
  /** Cross-entropy after / before − 1. */
  readonly crossEntropy: Estimate | null;
  /** On held-out text, nats per token. */
  readonly kl: Estimate | null;
  /** Why there are no figures: the intervention could not be run. */
  readonly failure: string | null;
}

export interface Baseline extends Trial {
  readonly kind: BaselineKind;
  readonly description: string;
  /** The features that took the edited ones' places; for random ones. */
  readonly features: readonly number[];
}

export interface Dose extends Trial {
  readonly strength: number;
  /** No other dose does better on target and collateral alike. */
  readonly isPareto: boolean;
}

export interface EvaluationReport {
  readonly format: typeof REPORT_FORMAT;
  /** Content hash. */
  readonly model: string;
  /** What was put before raw prompts and texts, as it is written; left out in reports of older programs. */
  readonly opening?: readonly string[];
  readonly edit: { readonly id: string; readonly operations: readonly Operation[] };
  readonly settings: EvaluationSettings;
  readonly suites: readonly SuiteReport[];
  readonly text: (TextCollateral & { readonly contexts: number; readonly perContext?: ContextLosses }) | null;
  readonly continuations: (ContinuationKl & FreeText) | null;
  readonly blastRadius: readonly Omit<BlastRadius, 'firingRates' | 'rateChanges'>[];
  /** What was forecast before anything was run, and how good that was; left out without statistics of the features. */
  readonly forecasts?: readonly CheckedForecast[];
  readonly shifts: readonly { readonly site: string; readonly meanNorm: number; readonly share: number }[];
  readonly baselines: readonly Baseline[];
  readonly doses: readonly Dose[];
  readonly verdict: Verdict | null;
  /** What a reader must know: a sample too small, a part left out, an edit that never acts. */
  readonly warnings: readonly string[];
}

/** A report from a file or the database, of this program or a newer one. @throws AppError `unsupported`. */
export function checkReportFormat(value: unknown, subject: string): EvaluationReport {
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  // Reports are written by this program only, so beyond the format nothing is checked.
  if (format === REPORT_FORMAT) return value as EvaluationReport;
  throw new AppError('unsupported', `${subject}: it is not an evaluation of the format ${REPORT_FORMAT}.`);
}
