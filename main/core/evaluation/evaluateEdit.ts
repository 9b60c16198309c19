// The whole evaluation of one edit: behaviours before and after, collateral on held-out text, blast radius, baselines, doses,
// verdict. Everything runs through one intervenable model, and what the original model gives is computed once.
import type { CheckedForecast } from '../../contract/domain/forecast.ts';
import {
  type Baseline,
  type ContextLosses,
  type ContinuationKl,
  type Dose,
  type EvaluationReport,
  type FreeText,
  REPORT_FORMAT,
  type SuiteReport,
  type Trial,
} from '../../contract/domain/evaluationReport.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import {
  completeEvaluationSettings,
  type EvaluationRequestSettings,
  type EvaluationSettings,
} from '../../contract/domain/evaluationSettings.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { contentId } from '../edits/canonical.ts';
import { canonicalEdit, type Edit } from '../../contract/domain/edit.ts';
import { editId } from '../edits/edit.ts';
import { placesOf, type Dictionaries } from '../edits/editPatches.ts';
import type { Model } from '../models/model.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { directionBaselines, type DirectionBaselines } from './baselines.ts';
import { tryBaselines } from './baselineTrials.ts';
import type { Behaviour, Case } from '../../contract/domain/behaviour.ts';
import { behaviourId } from '../behaviours/behaviour.ts';
import { blastRadius, type BlastRadius } from './blastRadius.ts';
import { continuationKl, freeText, textCollateral } from './collateral.ts';
import { forecastEdit, type ForecastStatistics } from './forecast.ts';
import { checkForecast } from './forecastCheck.ts';
import type { Directions } from './directions.ts';
import { asText } from './heldOut.ts';
import { judgeSuite } from './judgeSuite.ts';
import { plannedSuite, plannedTexts } from './plannedTexts.ts';
import { openPromptEncoder, type PromptEncoder } from '../behaviours/prompts.ts';
import { runCases, type CaseOutcome } from '../behaviours/runBehaviour.ts';
import { actedWarning } from '../../contract/domain/acted.ts';
import { isAnsweredInText } from '../behaviours/checks.ts';
import { AnswerSoundness, referenceAnswers } from './answerSoundness.ts';
import { at, spread } from './spread.ts';
import { suiteDirections } from './suiteDirections.ts';
import { chooseSuites, suiteReport, type Faults, type Suite, type SuiteOutcomes } from './suites.ts';
import {
  IntervenableModel,
  NO_INTERVENTION,
  type Reading,
  type Text,
  type Intervention,
} from '../interventions/intervenableModel.ts';
import { cachedRun, dominates, trialOf, type MainRun, type TrialOutcomes } from './trials.ts';
import type { Budget } from '../../contract/domain/budgetSettings.ts';
import { judge } from './verdict.ts';
import { warningsOf } from './warnings.ts';

export interface EvaluationInput {
  readonly model: Model;
  readonly runtime: Runtime;
  /** By content hash: at least those that the edit names. */
  readonly dictionaries: Dictionaries;
  readonly edit: Edit;
  /** By name, no two of one name. */
  readonly behaviours: readonly Behaviour[];
  /** Names of those that the edit is for; when left out, all whose aim is not to be kept. */
  readonly targets?: readonly string[] | undefined;
  /** Held-out text (heldOut.ts); empty: no figures on text. */
  readonly heldOut: readonly (readonly number[])[];
  /** Of the features of dictionaries, by their hash: what is forecast from. Without any nothing is. */
  readonly statistics?: ReadonlyMap<string, ForecastStatistics> | undefined;
  /** What is left out has its default. */
  readonly settings?: EvaluationRequestSettings;
  /** What the original model gave, kept from one evaluation to the next by whoever makes several. */
  readonly originals?: Map<string, readonly CaseOutcome[]> | undefined;
  /** Null: no verdict. */
  readonly budget: Budget | null;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
}

const SHORTEST_PROMPT = 3;

/**
 * @throws AppError `empty` for an edit without operations, no behaviours and no text, or a suite without at least two cases of
 * the split; `mismatch` for a dictionary of another model; `not-found` for one that is missing; `usage` for a feature, name or
 * setting that is wrong, or a regular expression that explodes; `diverged` when the edit makes the model's numbers infinite.
 */
export async function evaluateEdit(input: EvaluationInput): Promise<EvaluationReport> {
  const evaluation = await Evaluation.open(input);
  try {
    return await evaluation.run();
  } finally {
    await evaluation.release();
  }
}

class Evaluation {
  readonly #input: EvaluationInput;
  readonly #edit: Edit;
  readonly #settings: EvaluationSettings;
  readonly #suites: readonly Suite[];
  readonly #texts: readonly Text[];
  readonly #encoder: PromptEncoder;
  readonly #directions: Directions | null;
  readonly #plain: DirectionBaselines | null;
  readonly #intervenable: IntervenableModel;
  readonly #modelHash: string;
  readonly #warnings: string[];
  #soundness: AnswerSoundness | null = null;
  #rowsDone = 0;
  #rowsTotal = 0;
  /** What many short runs in a row are called together. */
  #stage: string | null = null;

  static async open(input: EvaluationInput): Promise<Evaluation> {
    const settings = completeEvaluationSettings(input.settings);
    const edit = canonicalEdit(input.edit);
    if (edit.operations.length === 0) {
      throw new AppError('empty', 'The edit has no operations: there is nothing to evaluate.');
    }
    const modelHash = await input.model.hash(input.signal);
    for (const hash of new Set(edit.operations.map(({ dictionary }) => dictionary))) {
      const dictionary = dictionaryOf(input.dictionaries, hash);
      if (dictionary.modelHash === '' || dictionary.modelHash === modelHash) continue;
      throw new AppError('mismatch', `The dictionary ${hash.slice(0, 10)} of the edit was trained on another model.`, {
        details: { dictionary: hash, model: modelHash },
      });
    }
    const suites = chooseSuites(input.behaviours, input.targets, settings);
    if (suites.length === 0 && input.heldOut.length === 0) {
      throw new AppError('empty', 'There are no behaviours and no held-out text: nothing to evaluate on.');
    }
    if (input.heldOut.length === 1)
      throw new AppError('empty', 'One context of held-out text is too little: two are the least.');
    const encoder = await openPromptEncoder(input.model);
    const directions = settings.baselines ? await suiteDirections({ ...input, edit }, suites, encoder) : null;
    return new Evaluation(input, edit, settings, suites, encoder, directions, modelHash);
  }

  private constructor(
    input: EvaluationInput,
    edit: Edit,
    settings: EvaluationSettings,
    suites: readonly Suite[],
    encoder: PromptEncoder,
    directions: Directions | null,
    modelHash: string,
  ) {
    this.#input = input;
    this.#edit = edit;
    this.#settings = settings;
    this.#suites = suites;
    this.#encoder = encoder;
    this.#modelHash = modelHash;
    this.#directions = directions;
    this.#plain = directions && directionBaselines(edit, directions);
    const { model, runtime, dictionaries } = input;
    this.#intervenable = new IntervenableModel({
      model,
      runtime,
      dictionaries: new Map([...dictionaries, ...(this.#plain?.dictionaries ?? [])]),
      places: [...placesOf(edit), ...(this.#plain?.places ?? [])],
    });
    this.#texts = input.heldOut.slice(0, settings.contexts).map(asText);
    this.#warnings = warningsOf({
      suites,
      settings,
      contexts: this.#texts.length,
      contextLength: model.config.contextLength,
      neverActs: this.#directions !== null && this.#plain === null,
      foldsSystemText: encoder.foldsSystemText,
    });
  }

  async run(): Promise<EvaluationReport> {
    const { signal, budget } = this.#input;
    const { seed } = this.#settings;
    const intervention: Intervention = { edit: this.#edit };
    this.#rowsTotal = this.#countRows();

    this.#soundness = await this.#openSoundness();
    const outcomes: SuiteOutcomes[] = [];
    const suites: SuiteReport[] = [];
    for (const suite of this.#suites) {
      const before = await this.#runOriginal(suite);
      const after = await this.#runCases(intervention, suite, suite.cases);
      const { kl, acted } = await this.#readAnswers(intervention, before);
      const measured = { ...suite, before, after, soundness: await this.#judgeSuite(suite, before, after) };
      outcomes.push(measured);
      suites.push({ ...suiteReport(measured, kl, seed), ...(acted ? { acted } : {}) });
    }

    const readings =
      this.#texts.length < 2
        ? null
        : {
            before: await this.#read(NO_INTERVENTION, this.#texts),
            after: await this.#read(intervention, this.#texts),
          };
    const text = readings && {
      ...textCollateral(readings.before, readings.after, this.#statistics),
      contexts: this.#texts.length,
      perContext: this.#contextLosses(readings.before, readings.after),
    };
    const continuations = await this.#continuations(intervention);
    const radii = await this.#blastRadii(intervention);
    const tooFew = text?.acted && actedWarning(text.acted);
    if (tooFew) this.#warnings.push(tooFew);
    const cache = { outcomes, readings, vocabularySize: this.#statistics.vocabularySize };
    const forecasts = this.#checkForecasts(radii);
    this.#stage = 'Trying baselines';
    const baselines = this.#settings.baselines ? await this.#baselines(cache, radii) : [];
    this.#stage = 'Trying doses';
    const doses = await this.#doses(cache);
    const figures = { suites, text, continuations };
    if (signal?.aborted) throw new AppError('cancelled', 'The evaluation was cancelled.');
    return {
      format: REPORT_FORMAT,
      model: this.#modelHash,
      opening: this.#encoder.tokenizer.opening.map((id) => this.#encoder.tokenizer.tokenText(id)),
      edit: { id: editId(this.#edit), operations: this.#edit.operations },
      settings: this.#settings,
      ...figures,
      blastRadius: radii.map(({ firingRates: _, rateChanges: __, ...rest }) => rest),
      ...(forecasts.length === 0 ? {} : { forecasts }),
      shifts: (this.#directions?.shifts ?? []).map(({ site, meanNorm, share }) => ({ site, meanNorm, share })),
      baselines,
      doses,
      verdict: budget && judge(figures, budget),
      warnings: [...new Set(this.#warnings)],
    };
  }

  async release(): Promise<void> {
    await this.#intervenable.release();
  }

  // ---- the parts --------------------------------------------------------------------------------------------------

  get #statistics(): { readonly seed: number; readonly vocabularySize: number } {
    return { seed: this.#settings.seed, vocabularySize: this.#input.model.config.vocabularySize };
  }

  async #openSoundness(): Promise<AnswerSoundness | null> {
    const kept = this.#suites.filter(({ role }) => role === 'keep');
    const { signal } = this.#input;
    const suites = kept.map(({ behaviour: { maxNewTokens }, cases }) => ({ maxNewTokens, cases }));
    const sampled = referenceAnswers(kept.map(({ cases }) => cases.filter(isAnsweredInText).length));
    const soundness = await this.#counted("Sampling the model's own answers", sampled, () =>
      AnswerSoundness.open(this.#intervenable, this.#encoder, suites, { signal }),
    );
    const generates = this.#suites.some(({ role, cases }) => role === 'target' && cases.some(isAnsweredInText));
    if (generates && soundness === null) {
      this.#warnings.push(
        'Too few prompts to preserve are answered in text, so nothing says whether answers with the edit are sound.',
      );
    }
    return soundness;
  }

  async #judgeSuite(suite: Suite, before: readonly CaseOutcome[], after: readonly CaseOutcome[]) {
    return this.#soundness && judgeSuite(this.#soundness, { ...suite, before, after }, this.#input.signal);
  }

  async #judge(answers: readonly CaseOutcome[], base: readonly CaseOutcome[]): Promise<Faults> {
    const { signal } = this.#input;
    return this.#soundness ? this.#soundness.judge(answers, base, { signal }) : answers.map(() => null);
  }

  async #runOriginal(suite: Suite): Promise<readonly CaseOutcome[]> {
    const { device } = this.#input.runtime;
    const key = `${this.#modelHash} ${behaviourId(suite.behaviour)} ${this.#settings.split} ${device}`;
    const known = this.#input.originals?.get(key);
    if (known) {
      this.#rowsDone += suite.cases.length;
      return known;
    }
    const outcomes = await this.#runCases(NO_INTERVENTION, suite, suite.cases);
    this.#input.originals?.set(key, outcomes);
    return outcomes;
  }

  #runCases(
    intervention: Intervention,
    { behaviour }: Suite,
    cases: readonly Case[],
    instruction = '',
  ): Promise<CaseOutcome[]> {
    const { signal } = this.#input;
    const stage = `Evaluating ${behaviour.name}`;
    return this.#counted(stage, cases.length, (onRows) =>
      runCases(this.#intervenable, intervention, behaviour, cases, this.#encoder, { instruction, signal, onRows }),
    );
  }

  #read(intervention: Intervention, texts: readonly Text[]): Promise<Reading[]> {
    const { signal } = this.#input;
    return this.#counted('Scoring held-out text', texts.length, (onRows) =>
      intervention === NO_INTERVENTION
        ? this.#intervenable.readUntreated(texts, { signal, onRows })
        : this.#intervenable.read(intervention, texts, { signal, onRows }),
    );
  }

  /**
   * Along the original model's own answers to some of the cases: how far the edit moves them, and in how many it acts at all.
   * Where there are no answers, prompts are read for the latter.
   */
  async #readAnswers(
    intervention: Intervention,
    before: readonly CaseOutcome[],
  ): Promise<{ readonly kl: ContinuationKl | null; readonly acted: SuiteReport['acted'] | null }> {
    const answered = before.filter(({ ids }) => ids.length > 0);
    const isAnswered = answered.length > 1;
    const read = spread(isAnswered ? answered : before, this.#settings.klCases)
      .map(({ promptIds, ids }) => ({ ids: [...promptIds, ...ids], promptLength: promptIds.length }))
      .filter(({ ids }) => ids.length > 1);
    if (read.length < 2) return { kl: null, acted: null };
    const readings = await this.#intervenable.read(intervention, read, { signal: this.#input.signal });
    const isMoved = (reading: Reading) =>
      [...reading.shifts.values()].some((shift) => shift.some((value) => value > 0));
    return {
      kl: isAnswered ? continuationKl(read, readings, this.#statistics) : null,
      acted: { count: readings.filter(isMoved).length, of: readings.length },
    };
  }

  /** Greedy continuations of held-out text cut in its middle. */
  async #continuations(intervention: Intervention): Promise<(ContinuationKl & FreeText) | null> {
    const { continuations, continuationTokens: maxNewTokens, seed } = this.#settings;
    const { contextLength } = this.#intervenable.model.config;
    const prompts = spread(
      this.#texts
        .map(({ ids }) => Array.from(ids).slice(0, Math.ceil(ids.length / 2)))
        .filter(({ length }) => length >= SHORTEST_PROMPT && length + maxNewTokens <= contextLength),
      continuations,
    );
    if (prompts.length < 2) return null;
    const { signal } = this.#input;
    const generate = (what: Intervention) =>
      this.#counted('Continuing held-out text', prompts.length, (onRows) =>
        this.#intervenable.greedy(what, prompts, { maxNewTokens, signal, onRows }),
      );
    const [before, after] = [await generate(NO_INTERVENTION), await generate(intervention)];
    const texts = prompts
      .map((prompt, index) => ({ ids: [...prompt, ...(before[index]?.ids ?? [])], promptLength: prompt.length }))
      .filter(({ ids, promptLength }) => ids.length > promptLength);
    if (texts.length < 2) return null;
    const readings = await this.#intervenable.read(intervention, texts, { signal });
    const idsOf = (texts: typeof before) => texts.map(({ ids }) => ids);
    return { ...continuationKl(texts, readings, this.#statistics), ...freeText(idsOf(before), idsOf(after), seed) };
  }

  async #blastRadii(intervention: Intervention): Promise<BlastRadius[]> {
    if (this.#texts.length < 2 || !(this.#settings.blastRadius || this.#settings.baselines)) return [];
    const { runtime, dictionaries, signal } = this.#input;
    const radii: BlastRadius[] = [];
    for (const { dictionary: hash, site } of placesOf(this.#edit)) {
      const dictionary = { ...dictionaryOf(dictionaries, hash), site };
      radii.push(
        await this.#counted('Measuring the blast radius', this.#texts.length, (onRows) =>
          blastRadius({
            intervenable: this.#intervenable,
            runtime,
            intervention,
            dictionary,
            hash,
            texts: this.#texts,
            signal,
            onRows,
          }),
        ),
      );
    }
    return radii;
  }

  #contextLosses(before: readonly Reading[], after: readonly Reading[]): ContextLosses {
    const sums = (readings: readonly Reading[]) =>
      readings.map(({ losses }) => losses.reduce((sum, loss) => sum + loss, 0));
    const text = contentId(this.#texts.map(({ ids }) => Array.from(ids)));
    return { text, before: sums(before), after: sums(after) };
  }

  /** The forecasts need nothing that was measured: making them here changes nothing in them. */
  #checkForecasts(radii: readonly BlastRadius[]): CheckedForecast[] {
    const { dictionaries, statistics = new Map<string, never>() } = this.#input;
    if (!this.#settings.blastRadius) return [];
    return forecastEdit(this.#edit, dictionaries, statistics).flatMap((whole) => {
      const { site, dictionary } = whole.forecast;
      const radius = radii.find((each) => each.site === site && each.dictionary === dictionary);
      return radius ? [checkForecast(whole, radius.rateChanges)] : [];
    });
  }

  #baselines(cache: MainRun, radii: readonly BlastRadius[]): Promise<Baseline[]> {
    return tryBaselines({
      edit: this.#edit,
      settings: this.#settings,
      firingRates: new Map(radii.map(({ dictionary, firingRates }) => [dictionary, firingRates])),
      directions: this.#plain,
      known: { before: this.#known('before', cache), after: this.#known('after', cache) },
      tryOut: (intervention, instruction) => this.#trial(intervention, cache, instruction),
      onWarning: (warning) => this.#warnings.push(warning),
    });
  }

  async #doses(cache: MainRun): Promise<Dose[]> {
    const doses: (Trial & { strength: number })[] = [];
    for (const strength of [...new Set(this.#settings.doses)].sort((a, b) => a - b)) {
      const known = strength === 0 ? 'before' : strength === 1 ? 'after' : null;
      const trial = known ? this.#known(known, cache) : await this.#trial({ edit: this.#edit, strength }, cache);
      doses.push({ strength, ...trial });
    }
    return doses.map((dose) => ({ ...dose, isPareto: !doses.some((other) => dominates(other, dose)) }));
  }

  #known(which: 'before' | 'after', cache: MainRun): Trial {
    const trial = trialOf(cachedRun(cache, which, this.#trialTexts()), cache);
    // The model without the edit is itself: no estimate, and no doubt.
    const itself = ({ n }: Estimate): Estimate => ({ value: 0, low: 0, high: 0, n });
    return which === 'after'
      ? trial
      : { ...trial, crossEntropy: trial.crossEntropy && itself(trial.crossEntropy), kl: trial.kl && itself(trial.kl) };
  }

  /** An intervention on the trial's cases and contexts. One that makes the numbers explode has a failure instead of figures. */
  async #trial(intervention: Intervention, cache: MainRun, instruction = ''): Promise<Trial> {
    try {
      const outcomes: TrialOutcomes[] = [];
      for (const suite of cache.outcomes) {
        if (suite.role === 'other') continue;
        const cases = suite.trial.map((index) => at(suite.cases, index));
        const now = await this.#runCases(intervention, suite, cases, instruction);
        const base = suite.trial.map((index) => at(suite.before, index));
        outcomes.push({ suite, outcomes: now, faults: suite.role === 'target' ? await this.#judge(now, base) : null });
      }
      const chosen = this.#trialTexts();
      const readsText = instruction === '' && chosen.length >= 2;
      const readings = readsText
        ? await this.#read(
            intervention,
            chosen.map((index) => at(this.#texts, index)),
          )
        : null;
      return trialOf({ outcomes, readings: readings && { chosen, readings } }, cache);
    } catch (thrown) {
      if (!(thrown instanceof AppError) || (thrown.code !== 'diverged' && thrown.code !== 'usage')) throw thrown;
      const none = {
        kept: null,
        target: null,
        targetRefuses: null,
        targetSound: null,
        remaining: null,
        crossEntropy: null,
        kl: null,
      };
      return { suites: [], ...none, failure: thrown.message };
    }
  }

  #trialTexts(): number[] {
    return spread([...this.#texts.keys()], this.#settings.trialContexts);
  }

  // ---- progress and warnings ----------------------------------------------------------------------------------------

  async #counted<T>(stage: string, rows: number, work: (onRows: (done: number) => void) => Promise<T>): Promise<T> {
    const start = this.#rowsDone;
    const report = (done: number) =>
      this.#input.onWork?.({
        stage: this.#stage ?? stage,
        done: Math.min(start + done, this.#rowsTotal),
        total: this.#rowsTotal,
        unit: 'texts',
      });
    report(0);
    const result = await work((done) => report(Math.min(done, rows)));
    this.#rowsDone = start + rows;
    report(rows);
    return result;
  }

  #countRows(): number {
    return plannedTexts(this.#suites.map(plannedSuite), this.#texts.length, this.#settings, this.#plain !== null);
  }
}

function dictionaryOf(dictionaries: Dictionaries, hash: string): Dictionary {
  const found = dictionaries.get(hash);
  if (found) return found;
  throw new AppError('not-found', `The edit needs the dictionary ${hash.slice(0, 10)}, which is not here.`, {
    details: { dictionary: hash },
  });
}
